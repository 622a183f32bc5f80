package org.tonle.cli;

import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import org.tonle.definition.LakeDefinition;
import org.tonle.lake.HaltAt;
import org.tonle.lake.LakeOptions;
import org.tonle.spi.FailPoints;
import org.tonle.sql.Pipelines;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tonle up}. */
@Command(
        name = "up",
        description = {
            "Runs a lake in the foreground until it is told to stop (Ctrl-C, SIGTERM).",
            "When it is ready, /health/ready answers 200 and DIR/.tonle/lake.json holds its url,"
                    + " pid and version. Logs: DIR/.tonle/logs/."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class UpCommand implements Callable<Integer> {
    /** For crash tests: ends the process at a named point, as a power cut would. */
    private static final String FAIL_POINT = "TONLE_FAIL_POINT";

    private final Terminal terminal;

    @Option(
            names = "--lake",
            paramLabel = "DIR",
            description = "The lake folder; the current one if left out.")
    private Path folder = Path.of(".");

    @Option(
            names = "--port",
            paramLabel = "N",
            description = "Of 127.0.0.1; 0 picks a free one. ${DEFAULT-VALUE} if left out.")
    private int port = 7070;

    UpCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws InterruptedException {
        if (port < 0 || port > 65535) {
            throw new Failure(Exit.USAGE, "--port takes 0 to 65535, not " + port);
        }
        Signals signals = Signals.install();
        Path lake = folder.toAbsolutePath().normalize();
        // what is wrong with the folder is said before anything is written into it
        LakeDefinition.load(lake, System.getenv(), Pipelines::problems);
        Logs.toFolder(lake);
        String failPoint = System.getenv(FAIL_POINT);
        FailPoints failPoints = failPoint == null ? FailPoints.NONE : HaltAt.parse(failPoint);
        terminal.err().println("starting the lake in " + lake);
        try (ServedLake served =
                ServedLake.start(
                        lake,
                        port,
                        new LakeOptions(System.getenv(), Clock.systemUTC(), failPoints))) {
            terminal.err()
                    .println(
                            "lake %s is ready at %s (process %d); Ctrl-C stops it"
                                    .formatted(
                                            served.name(),
                                            served.url(),
                                            ProcessHandle.current().pid()));
            signals.await();
            terminal.err().println("stopping");
        }
        return Exit.OK;
    }
}
