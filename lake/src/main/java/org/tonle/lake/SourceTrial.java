package org.tonle.lake;

import java.nio.file.Files;
import java.time.Clock;
import java.time.Duration;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.definition.SourceText;
import org.tonle.files.FolderSource;
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
     * The newest records of a topic, or what stands first in a folder.
     *
     * @throws LakeException what keeps it from being read; INVALID_REQUEST for a kind that has
     *     nothing to read
     */
    public static SourceSample of(SourceDefinition source, int most) throws InterruptedException {
        return switch (source.kind()) {
            case SourceKind.Files files -> {
                if (!Files.isDirectory(files.folder())) {
                    throw new LakeException(
                            ErrorCode.NOT_FOUND,
                            "There is no folder %s. Make it, or correct path: in %s."
                                    .formatted(files.folder(), SourceText.file(source.name())));
                }
                yield SourceSample.of(
                        new FolderSource(files, Clock.systemUTC()),
                        most,
                        SourceText.under(source),
                        files.settle().plusSeconds(3));
            }
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
                            "is a database, whose changes can't be read without being taken");
        };
    }

    private static LakeException nothing(SourceDefinition source, String why) {
        return new LakeException(
                ErrorCode.INVALID_REQUEST, "Source %s %s.".formatted(source.name(), why));
    }
}
