package org.tonle.files;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Reads documents in a process of its own, which has little memory, little time and no network, and
 * which is replaced when a document got the better of it. Used by one thread.
 */
final class DocumentReader implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration LOOK_EVERY = Duration.ofMillis(500);
    private static final Duration IDLE = Duration.ofSeconds(60);
    private static final int MOST_READS = 500;
    private static final long MOST_TEMPORARY_BYTES = 1L << 30;
    private static final int HEAP_MB = 256;

    /** What {@code -XX:+ExitOnOutOfMemoryError} ends with. */
    private static final int OUT_OF_MEMORY = 3;

    /** Of one document. */
    private final Duration limit;

    private @Nullable Child child;
    private int reads;
    private long usedNanos = System.nanoTime();

    DocumentReader(Duration limit) {
        this.limit = limit;
    }

    /** The process, and where it may write. */
    private record Child(Process process, DataOutputStream out, DataInputStream in, Path temporary)
            implements AutoCloseable {
        @Override
        public void close() {
            process.destroyForcibly();
            // what is deleted must not be written to any more
            process.onExit().join();
            delete(temporary);
        }
    }

    /**
     * Reads a file.
     *
     * @param name what it is called
     * @return also if it can't be read
     * @throws LakeException OUT_OF_RESOURCES if the process can't be started
     */
    Document read(Path file, String name) throws InterruptedException {
        Child reading = child();
        String type = Document.UNKNOWN;
        try {
            long deadline = System.nanoTime() + limit.toNanos();
            DocumentFrames.request(reading.out(), new DocumentFrames.Request(file, name));
            type = within(reading, deadline, () -> DocumentFrames.type(reading.in()));
            Document document =
                    within(reading, deadline, () -> DocumentFrames.result(reading.in()));
            usedNanos = System.nanoTime();
            if (++reads >= MOST_READS) {
                // what a library keeps is let go
                close();
            }
            return document;
        } catch (TooMuchException e) {
            close();
            return Document.unread(type, "it can't be read: " + e.getMessage());
        } catch (IOException e) {
            String why = died(reading);
            close();
            return Document.unread(type, "it can't be read: " + why);
        } catch (InterruptedException e) {
            close();
            throw e;
        }
    }

    private String died(Child reading) throws InterruptedException {
        boolean ended = reading.process().waitFor(1, TimeUnit.SECONDS);
        return ended && reading.process().exitValue() == OUT_OF_MEMORY
                ? "it takes more than %d MB of memory".formatted(HEAP_MB)
                : "it ended what reads documents"
                        + (ended ? " (%d)".formatted(reading.process().exitValue()) : "");
    }

    /** A document takes more than documents do. */
    private static final class TooMuchException extends Exception {
        private static final long serialVersionUID = 1L;

        TooMuchException(String message) {
            super(message);
        }
    }

    /** Waits for an answer; the process that owes it is ended by whoever asked. */
    private <T> T within(Child reading, long deadline, Callable<T> answer)
            throws IOException, InterruptedException, TooMuchException {
        FutureTask<T> task = new FutureTask<>(answer);
        Thread.ofVirtual().start(task);
        while (true) {
            try {
                return task.get(LOOK_EVERY.toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                if (System.nanoTime() > deadline) {
                    throw new TooMuchException(
                            "it takes longer than %d seconds".formatted(limit.toSeconds()));
                }
                if (size(reading.temporary()) > MOST_TEMPORARY_BYTES) {
                    throw new TooMuchException(
                            "unpacking it takes more than %d MB"
                                    .formatted(MOST_TEMPORARY_BYTES >> 20));
                }
            } catch (ExecutionException e) {
                throw e.getCause() instanceof IOException why ? why : new IOException(e);
            }
        }
    }

    /** Lets go of the process when nothing was read for a while. */
    void rest() {
        if (child != null && System.nanoTime() - usedNanos > IDLE.toNanos()) {
            close();
        }
    }

    private Child child() throws InterruptedException {
        Child running = child;
        if (running != null && running.process().isAlive()) {
            return running;
        }
        close();
        Child started = start();
        child = started;
        reads = 0;
        try {
            within(
                    started,
                    System.nanoTime() + START_LIMIT.toNanos(),
                    () -> {
                        DocumentFrames.awaitReady(started.in());
                        return true;
                    });
            return started;
        } catch (IOException | TooMuchException e) {
            close();
            throw notStarted(e);
        } catch (InterruptedException e) {
            close();
            throw e;
        }
    }

    private static Child start() {
        try {
            Path temporary = Files.createTempDirectory("tonle-documents-");
            ProcessBuilder builder = new ProcessBuilder(command(temporary));
            // whatever secrets the lake was given stay with it
            Map<String, String> kept = builder.environment();
            kept.keySet().removeIf(name -> !name.equals("LANG") && !name.startsWith("LC_"));
            Process process =
                    builder.directory(temporary.toFile())
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            return new Child(
                    process,
                    new DataOutputStream(process.getOutputStream()),
                    new DataInputStream(process.getInputStream()),
                    temporary);
        } catch (IOException e) {
            throw notStarted(e);
        }
    }

    private static List<String> command(Path temporary) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "-Xmx" + HEAP_MB + "m",
                        "-XX:MaxDirectMemorySize=64m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+ExitOnOutOfMemoryError",
                        "-XX:-UsePerfData",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Djava.awt.headless=true",
                        "-Djava.io.tmpdir=" + temporary,
                        "-Dpdfbox.fontcache=" + temporary,
                        "-Dslf4j.provider=org.slf4j.helpers.NOP_FallbackServiceProvider",
                        // no names are looked up, and nothing can be reached by its number
                        "-Djdk.net.hosts.file=" + temporary.resolve("no-hosts"),
                        "-DsocksProxyHost=127.0.0.1",
                        "-DsocksProxyPort=1",
                        "-DsocksNonProxyHosts="));
        command.addAll(
                List.of(
                        "-cp",
                        System.getProperty("java.class.path"),
                        DocumentMain.class.getName()));
        return command;
    }

    private static LakeException notStarted(Exception e) {
        return new LakeException(
                ErrorCode.OUT_OF_RESOURCES,
                "The process that reads documents can't be started: %s. See whether there is memory for it (%d MB) and room in %s."
                        .formatted(e.getMessage(), HEAP_MB, System.getProperty("java.io.tmpdir")),
                e);
    }

    private static long size(Path folder) {
        long size = 0;
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                size += Files.isRegularFile(file) ? Files.size(file) : 0;
            }
        } catch (IOException | UncheckedIOException e) {
            // one that went away meanwhile: it is looked at again
        }
        return size;
    }

    /** Deletes a folder with what is in it, as far as that can be done. */
    static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | UncheckedIOException e) {
            // it lies where the system tidies up
        }
    }

    @Override
    public void close() {
        Child ended = child;
        child = null;
        if (ended != null) {
            ended.close();
        }
    }
}
