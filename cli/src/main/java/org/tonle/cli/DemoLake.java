package org.tonle.cli;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.tonle.lake.LakeOptions;

/** The lake that the demo runs: in its own process, or in one that can be killed. */
sealed interface DemoLake extends AutoCloseable {
    /** Where it is, or was last. */
    String url();

    @Override
    void close();

    /** In this process. */
    static DemoLake here(Path folder) {
        return new Here(ServedLake.start(folder, 0, LakeOptions.ofProcess()));
    }

    /** In a process of its own. */
    static Killable killable(Path folder) {
        Killable lake = new Killable(folder);
        lake.start();
        return lake;
    }

    /** In this process. */
    record Here(ServedLake served) implements DemoLake {
        @Override
        public String url() {
            return served.url();
        }

        @Override
        public void close() {
            served.close();
        }
    }

    /** {@code tonle up} as a child with the flags of this JVM. */
    final class Killable implements DemoLake {
        private static final Duration TO_START = Duration.ofSeconds(90);

        private final Path folder;
        private volatile String url = "http://127.0.0.1:1";
        private volatile Optional<Process> process = Optional.empty();

        private Killable(Path folder) {
            this.folder = folder;
        }

        private void start() {
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
            command.add("-cp");
            command.add(System.getProperty("java.class.path"));
            command.add(Main.class.getName());
            command.addAll(List.of("up", "--port", "0", "--lake", folder.toString()));
            Path output = folder.resolve(".tonle").resolve("logs").resolve("chaos.txt");
            try {
                Files.createDirectories(output.resolveSibling("."));
                Process child =
                        new ProcessBuilder(command)
                                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                                .redirectError(ProcessBuilder.Redirect.appendTo(output.toFile()))
                                .start();
                process = Optional.of(child);
                url = awaitReady(child, output);
            } catch (IOException e) {
                throw new Failure(Exit.FAILED, "can't start the lake: " + e.getMessage());
            }
        }

        private String awaitReady(Process child, Path output) throws IOException {
            long deadline = System.nanoTime() + TO_START.toNanos();
            while (System.nanoTime() < deadline) {
                Optional<LakeAddress> address =
                        LakeAddress.read(folder).filter(a -> a.pid() == child.pid());
                if (address.isPresent()) {
                    return address.get().url();
                }
                try {
                    if (child.waitFor(50, TimeUnit.MILLISECONDS)) {
                        throw new Failure(
                                Exit.FAILED,
                                "the lake ended with status "
                                        + child.exitValue()
                                        + "; see "
                                        + output);
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new Failure(Exit.FAILED, "interrupted while the lake started");
                }
            }
            throw new Failure(
                    Exit.FAILED, "the lake isn't ready after " + TO_START.toSeconds() + " s");
        }

        @Override
        public String url() {
            return url;
        }

        /** SIGKILL, then starts it again; returns when it is ready. */
        void killAndRestart() throws InterruptedException {
            Process child = process.orElseThrow();
            child.destroyForcibly().waitFor();
            start();
        }

        @Override
        public void close() {
            Process child = process.orElseThrow();
            child.destroy();
            try {
                if (!child.waitFor(20, TimeUnit.SECONDS)) {
                    child.destroyForcibly();
                }
            } catch (InterruptedException e) {
                child.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
    }
}
