package org.tonle.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.tonle.lake.LakeTables;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle export DIR}. */
@Command(
        name = "export",
        description = {
            "Writes the lake's tables, as they are at one commit, into a folder that needs no"
                    + " Tonle: Iceberg tables that PyIceberg, DuckDB, Spark and others read.",
            "It reads the lake's own folder, whether or not the lake runs. Of each table there is"
                    + " one state, without its history; deleted rows are left out. Views and"
                    + " policies stay: whoever reads the folder sees all rows."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Parameters(paramLabel = "DIR", description = "Isn't there yet, or is empty.")
    private Path directory = Path.of(".");

    @Option(
            names = "--lake",
            paramLabel = "LAKE",
            description = "The lake folder; the current one if left out.")
    private Path folder = Path.of(".");

    @Option(
            names = "--table",
            paramLabel = "T",
            description = "Only this table, like silver.flights; may be said several times.")
    private List<String> tables = List.of();

    @Option(
            names = "--as-of",
            paramLabel = "SEQ",
            description = "As the tables were at this commit; the newest if left out.")
    private @Nullable Long asOf;

    @Option(
            names = "--location",
            paramLabel = "URI",
            description =
                    "Where the folder will be read, like s3://bucket/lake: Iceberg tables name"
                            + " their files by full path. DIR if left out.")
    private @Nullable String location;

    ExportCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Path to = directory.toAbsolutePath().normalize();
        String place = location == null ? "file://" + to : location.replaceFirst("/+$", "");
        try (LakeTables lake =
                LakeTables.open(folder.toAbsolutePath().normalize(), System.getenv())) {
            AtomicInteger written = new AtomicInteger();
            long seq =
                    lake.export(
                            tables,
                            asOf == null ? OptionalLong.empty() : OptionalLong.of(asOf),
                            to,
                            place,
                            table -> {
                                written.incrementAndGet();
                                terminal.err()
                                        .println(
                                                "%s: %,d rows, %,d files, %,d bytes"
                                                        .formatted(
                                                                table.table(),
                                                                table.rows(),
                                                                table.files(),
                                                                table.bytes()));
                            });
            terminal.out()
                    .write(
                            "%d tables as of commit %d are in %s; its README.md says how to read them%n"
                                    .formatted(written.get(), seq, to)
                                    .getBytes(StandardCharsets.UTF_8));
            return Exit.OK;
        }
    }
}
