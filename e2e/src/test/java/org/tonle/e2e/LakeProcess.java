package org.tonle.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** {@code tonle up} in a process of its own, that can be killed. */
final class LakeProcess implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(180);

    private final Path folder;
    private final Path output;
    private final Process process;

    private LakeProcess(Path folder, Path output, Process process) {
        this.folder = folder;
        this.output = output;
        this.process = process;
    }

    /** Starts a lake and returns at once. */
    static LakeProcess start(Path folder) {
        return start(folder, Map.of());
    }

    /** The same, ending the n-th time that a fail point is reached: {@code name:n}. */
    static LakeProcess startHaltingAt(Path folder, String point) {
        return start(folder, Map.of("TONLE_FAIL_POINT", point));
    }

    private static LakeProcess start(Path folder, Map<String, String> environment) {
        try {
            Files.deleteIfExists(folder.resolve(".tonle/lake.json"));
            Path output = Files.createTempFile(folder.getParent(), "lake", ".log");
            ProcessBuilder builder =
                    new ProcessBuilder(
                                    Product.tonle("up", "--lake", folder.toString(), "--port", "0"))
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile());
            builder.environment().putAll(environment);
            return new LakeProcess(folder, output, builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    long pid() {
        return process.pid();
    }

    boolean alive() {
        return process.isAlive();
    }

    String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until it says that it is ready, or has ended. */
    Optional<Address> awaitAddress() throws InterruptedException {
        long deadline = System.nanoTime() + START.toNanos();
        while (process.isAlive()) {
            Optional<Address> address = address(folder);
            if (address.isPresent()) {
                return address;
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError("the lake isn't ready after " + START + ":\n" + output());
            }
            Thread.sleep(20);
        }
        return Optional.empty();
    }

    /**
     * Where a lake answers, and to whom.
     *
     * @param token of its folder
     */
    record Address(String url, String token) {
        HttpRequest.Builder request(String path) {
            return HttpRequest.newBuilder(URI.create(url + path))
                    .header("Authorization", "Bearer " + token);
        }
    }

    /** Where the lake in a folder says that it answers. */
    static Optional<Address> address(Path folder) {
        try {
            JsonNode json =
                    new ObjectMapper().readTree(folder.resolve(".tonle/lake.json").toFile());
            String token = Files.readString(folder.resolve(".tonle/admin-token")).strip();
            return Optional.of(new Address(json.path("url").asText(), token))
                    .filter(address -> !address.url().isEmpty());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The command lines of processes that name its folder, which may outlive it. */
    List<String> left() {
        return ProcessHandle.allProcesses()
                .flatMap(each -> each.info().commandLine().stream())
                .filter(command -> command.contains(folder.toString()))
                .toList();
    }

    /** As {@code kill -9} does; waits until it is gone. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /** Waits until it has ended by itself, and answers its status. */
    int awaitEnd(Duration limit) throws InterruptedException {
        if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError("the lake still runs after " + limit + ":\n" + output());
        }
        return process.exitValue();
    }

    /** As SIGTERM does; the status it ended with. */
    int terminate() throws InterruptedException {
        process.destroy();
        return awaitEnd(START);
    }

    void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).start().waitFor();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
