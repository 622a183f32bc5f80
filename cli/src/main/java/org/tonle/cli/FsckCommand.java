package org.tonle.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.tonle.lake.LakeTables;
import org.tonle.maintenance.Check;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tonle fsck}. */
@Command(
        name = "fsck",
        description = {
            "Checks that all that the ledger names is there: every state that the lake keeps, of"
                    + " every table, down to its files and their lengths. Nothing is changed.",
            "Each problem is a line on stdout: table, commit, file, what is wrong; the exit status"
                    + " is 1 if there is one. It reads the lake's own folder, whether or not the"
                    + " lake runs."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class FsckCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Option(
            names = "--lake",
            paramLabel = "LAKE",
            description = "The lake folder; the current one if left out.")
    private Path folder = Path.of(".");

    @Option(
            names = "--read",
            description =
                    "Reads all files to their end, too: finds what changed in them, and takes as"
                            + " long as reading the lake does.")
    private boolean read;

    FsckCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        try (LakeTables lake =
                LakeTables.open(folder.toAbsolutePath().normalize(), System.getenv())) {
            Check.Report report = lake.check(read, this::say);
            terminal.err()
                    .println(
                            "%,d tables, %,d states, %,d files, %,d bytes: %s"
                                    .formatted(
                                            report.tables(),
                                            report.states(),
                                            report.files(),
                                            report.bytes(),
                                            report.problems() == 0
                                                    ? "all is there"
                                                    : "%,d problems".formatted(report.problems())));
            return report.problems() == 0 ? Exit.OK : Exit.FAILED;
        }
    }

    private void say(Check.Problem problem) {
        try {
            terminal.out()
                    .write(
                            "%s\t%d\t%s\t%s%n"
                                    .formatted(
                                            problem.table(),
                                            problem.state(),
                                            problem.location(),
                                            problem.what())
                                    .getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("can't say what was found", e);
        }
    }
}
