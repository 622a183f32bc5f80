package org.tonle.lake;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;
import org.tonle.debezium.PostgresTables;
import org.tonle.definition.ColumnType;
import org.tonle.definition.FileLocation;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.definition.SourceText;
import org.tonle.files.FilesSource;
import org.tonle.ingest.PlainRecords;
import org.tonle.ingest.SourceSample;
import org.tonle.registry.TopicRecords;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Reads a few events of a source that needn't belong to a lake that runs, and takes none. */
public final class SourceTrial {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private SourceTrial() {}

    /**
     * The newest records of a topic, or what stands first in a folder or bucket.
     *
     * @throws LakeException what keeps it from being read; INVALID_REQUEST for a kind that has
     *     nothing to read
     */
    public static SourceSample of(SourceDefinition source, int most) throws InterruptedException {
        return switch (source.kind()) {
            case SourceKind.Files files -> files(source, files, most);
            case SourceKind.Kafka kafka ->
                    SourceSample.ofTopic(
                            source,
                            kafka,
                            TopicRecords.of(kafka).orElseGet(PlainRecords::new),
                            most,
                            SourceText.under(source),
                            LIMIT);
            case SourceKind.Http http ->
                    throw nothing(
                            source,
                            "takes requests; post some to it and ask for payload in bronze.%s"
                                    .formatted(source.name()));
            case SourceKind.Postgres postgres ->
                    throw nothing(
                            source,
                            "is a database, whose changes can't be read without being taken: ask for its tables");
        };
    }

    private static SourceSample files(SourceDefinition source, SourceKind.Files files, int most)
            throws InterruptedException {
        if (files.location() instanceof FileLocation.Folder(Path folder)
                && !Files.isDirectory(folder)) {
            throw new LakeException(
                    ErrorCode.NOT_FOUND,
                    "There is no folder %s. Make it, or correct path: in %s."
                            .formatted(folder, SourceText.file(source.name())));
        }
        try {
            Path storage = Files.createTempDirectory("tonle-trial-");
            try {
                return SourceSample.of(
                        FilesSource.trial(files, storage, Clock.systemUTC()),
                        most,
                        SourceText.under(source),
                        files.settle().plusSeconds(3));
            } finally {
                try (Stream<Path> left = Files.walk(storage)) {
                    for (Path path : left.sorted(Comparator.reverseOrder()).toList()) {
                        Files.delete(path);
                    }
                }
            }
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "What is read of %s can't be put down for a moment: %s"
                            .formatted(files.location(), e),
                    e);
        }
    }

    /**
     * The tables that a database has for its user: by name, {@code schema.table}, the types of
     * their columns.
     *
     * @throws LakeException what keeps it from being asked, or from telling changes
     */
    public static Map<String, Map<String, ColumnType>> tables(SourceKind.Postgres database) {
        return PostgresTables.of(database);
    }

    private static LakeException nothing(SourceDefinition source, String why) {
        return new LakeException(
                ErrorCode.INVALID_REQUEST, "Source %s %s.".formatted(source.name(), why));
    }
}
