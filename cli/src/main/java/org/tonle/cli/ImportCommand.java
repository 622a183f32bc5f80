package org.tonle.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.tonle.lake.LakeTables;
import org.tonle.transfer.Import;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle import TABLE SOURCE}. */
@Command(
        name = "import",
        description = {
            "Takes a table into the lake that is there already: an Iceberg table or Parquet files"
                    + " of this machine. The files are copied; SOURCE may go afterwards.",
            "SOURCE is a table's metadata file (….metadata.json), a table's folder, a Parquet file,"
                    + " or a folder of Parquet files with the same columns. Of an Iceberg table its"
                    + " newest rows come, with its columns and partitions, without its history.",
            "It writes into the lake's own folder, whether or not the lake runs."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class ImportCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Parameters(
            index = "0",
            paramLabel = "TABLE",
            description =
                    "What it is to be called, like lab.flights. Not in a namespace of the lake's"
                            + " own sources and datasets.")
    private String table = "";

    @Parameters(index = "1", paramLabel = "SOURCE", description = "See above.")
    private Path source = Path.of(".");

    @Option(
            names = "--lake",
            paramLabel = "LAKE",
            description = "The lake folder; the current one if left out.")
    private Path folder = Path.of(".");

    ImportCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        try (LakeTables lake =
                LakeTables.open(folder.toAbsolutePath().normalize(), System.getenv())) {
            Import.Imported done = lake.take(table, source);
            terminal.out()
                    .write(
                            "%s: %,d rows in %,d files, %,d bytes; commit %d%n"
                                    .formatted(
                                            done.table(),
                                            done.rows(),
                                            done.files(),
                                            done.bytes(),
                                            done.seq())
                                    .getBytes(StandardCharsets.UTF_8));
            return Exit.OK;
        }
    }
}
