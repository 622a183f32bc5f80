package org.tonle.cli;

import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.LakeDefinition;
import org.tonle.lake.HaltAt;
import org.tonle.lake.LakeOptions;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
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
        LakeOptions options = new LakeOptions(System.getenv(), Clock.systemUTC(), failPoints);
        FutureTask<ServedLake> start =
                new FutureTask<>(() -> ServedLake.start(lake, port, options));
        signals.interrupt(Thread.ofPlatform().name("start").start(start));
        try (ServedLake served = start.get()) {
            terminal.err()
                    .println(
                            "lake %s is ready at %s (process %d); Ctrl-C stops it"
                                    .formatted(
                                            served.name(),
                                            served.url(),
                                            ProcessHandle.current().pid()));
            signals.await();
            terminal.err().println("stopping");
        } catch (ExecutionException e) {
            return ended(signals, e.getCause());
        }
        return Exit.OK;
    }

    private int ended(Signals signals, @Nullable Throwable why) {
        boolean cancelled = why instanceof LakeException e && e.code() == ErrorCode.CANCELLED;
        if (signals.asked() && cancelled) {
            terminal.err().println("stopped before it was ready");
            return Exit.OK;
        }
        switch (why) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case null, default -> throw new IllegalStateException(why);
        }
    }
}
