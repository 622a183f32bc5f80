package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Does what a document says, as a reader would: waits until a lake that was started is ready, asks
 * again until what was sent has arrived, and starts the lake again after changing its files.
 */
final class DocReader implements AutoCloseable {
    private static final String LAKE = "my-lake";
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private record Said(int exit, String out, String err) {}

    private final Path dir;
    private final Path secrets;
    private final int port;
    private final Map<String, Process> running = new LinkedHashMap<>();
    private boolean changed;
    private String lastCommand = "";
    private Said last = new Said(0, "", "");

    DocReader(Path dir) throws IOException {
        this.dir = dir;
        this.secrets = Files.createDirectories(dir.resolve("secrets"));
        Files.writeString(secrets.resolve("tonle-db"), "secret\n");
        Files.writeString(secrets.resolve("kafka-jaas"), "secret\n");
        Files.writeString(secrets.resolve("shop-password"), "secret\n");
        Files.writeString(secrets.resolve("registry"), "secret\n");
        Files.writeString(secrets.resolve("invoices-key"), "secret\n");
        Files.writeString(secrets.resolve("lake-key"), "secret\n");
        port = freePort();
        Path tonle = dir.resolve("tonle");
        Files.writeString(
                tonle,
                "#!/bin/sh\nexec %s \"$@\"\n"
                        .formatted(
                                Product.tonle().stream()
                                        .map(part -> "'" + part + "'")
                                        .collect(Collectors.joining(" "))));
        assertThat(tonle.toFile().setExecutable(true)).isTrue();
    }

    /**
     * One that is free at each start of the lake, too: below those that the system gives to
     * connections, and those that embedded servers take.
     */
    private static int freePort() throws IOException {
        Random random = new Random();
        while (true) {
            try (ServerSocket socket = new ServerSocket(10_000 + random.nextInt(10_000))) {
                return socket.getLocalPort();
            } catch (BindException taken) {
                // the next one
            }
        }
    }

    /** Whether there was something to do. */
    boolean follow(DocExample example) throws Exception {
        try {
            switch (example.kind()) {
                case COMMANDS -> {
                    for (String command : example.commands()) {
                        run(command);
                    }
                }
                case OUTPUT -> requireOutput(example.text());
                case OUTPUT_BUT_NUMBERS ->
                        assertThat(butNumbers(last.err() + last.out()))
                                .containsSubsequence(butNumbers(example.text()));
                case LAKE_FILE -> {
                    requireFolder();
                    Path file = dir.resolve(LAKE).resolve(example.argument());
                    Files.createDirectories(file.getParent());
                    Files.writeString(file, example.text());
                    changed = true;
                }
                case CHECKED_FILE -> check(example);
                case QUERY -> {
                    requireFolder();
                    run("./tonle query --lake " + LAKE + " '" + quoted(example.text()) + "'");
                }
                case SHOWN -> {
                    return false;
                }
            }
            return true;
        } catch (AssertionError e) {
            throw new AssertionError(example.place() + ": " + e.getMessage(), e);
        }
    }

    private static String quoted(String sql) {
        return sql.strip().replaceFirst(";$", "").replace("'", "'\\''");
    }

    private void run(String written) throws Exception {
        if (written.startsWith("git clone") || written.startsWith("./dev ")) {
            // this is a clone, and what is running is ./dev test
            return;
        }
        String command = written.replace("7070", String.valueOf(port));
        if (command.startsWith("./tonle demo")) {
            // the whole takes a minute
            command += " --events 20000";
        }
        if (command.startsWith("./tonle up")) {
            up(command.replaceFirst("\\s*&$", ""));
            return;
        }
        if (changed) {
            restart();
        }
        lastCommand = command;
        last = shell(command);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (last.exit() != 0 && asks(command) && System.nanoTime() < deadline) {
            Thread.sleep(200);
            last = shell(command);
        }
        assertThat(last.exit()).as("%s%n%s%s", command, last.out(), last.err()).isZero();
        assertThat(last.out()).as(command).doesNotContain("urn:tonle:problem");
    }

    /** Asking again changes nothing. */
    private static boolean asks(String command) {
        return command.startsWith("./tonle query") || command.contains("/api/v1/query");
    }

    private void requireOutput(String shown) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!matches(shown, last.out()) && asks(lastCommand) && System.nanoTime() < deadline) {
            Thread.sleep(200);
            last = shell(lastCommand);
        }
        assertThat(matches(shown, last.out()))
                .as("%s%nprinted%n%s%nand not%n%s", lastCommand, last.out(), shown)
                .isTrue();
    }

    /** An ellipsis stands for anything. */
    private static boolean matches(String shown, String printed) {
        String pattern =
                Pattern.compile("…")
                        .splitAsStream(trimmed(shown) + "\n")
                        .map(Pattern::quote)
                        .collect(Collectors.joining(".*"));
        return Pattern.matches(pattern, trimmed(printed) + "\n");
    }

    private static String trimmed(String text) {
        return text.lines().map(String::stripTrailing).collect(Collectors.joining("\n")).strip();
    }

    private static List<String> butNumbers(String text) {
        return text.strip()
                .lines()
                .map(line -> line.replaceAll("[0-9][0-9.,]*", "#").replaceAll(" +", " ").strip())
                .toList();
    }

    /** A document that doesn't make a lake speaks of the quick start's. */
    private void requireFolder() throws Exception {
        if (!Files.exists(dir.resolve(LAKE))) {
            run("./tonle init " + LAKE);
            changed = true;
        }
    }

    private void up(String command) throws Exception {
        String withPort = command.contains("--port") ? command : command + " --port " + port;
        String lake = withPort.replaceFirst(".*--lake (\\S+).*", "$1");
        hurry(dir.resolve(lake).resolve("lake.yaml"));
        Process process =
                builder("exec " + withPort)
                        .redirectOutput(dir.resolve("up.out").toFile())
                        .redirectError(dir.resolve("up.err").toFile())
                        .start();
        running.put(lake, process);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (LakeProcess.address(dir.resolve(lake)).isEmpty()) {
            assertThat(process.isAlive() && System.nanoTime() < deadline)
                    .as("%s%n%s", withPort, Files.readString(dir.resolve("up.err")))
                    .isTrue();
            Thread.sleep(50);
        }
    }

    /** A reader waits for some seconds until gold follows; this one has much to read. */
    private static void hurry(Path definition) throws IOException {
        String written = Files.readString(definition);
        for (String often :
                List.of("ingest: {commit-interval: 200ms}\n", "refresh-interval: 200ms\n")) {
            if (!written.contains(often.substring(0, often.indexOf(':') + 1))) {
                Files.writeString(definition, often, StandardOpenOption.APPEND);
            }
        }
    }

    private void restart() throws Exception {
        changed = false;
        Process process = running.remove(LAKE);
        if (process != null) {
            stop(process);
        }
        up("./tonle up --lake " + LAKE);
    }

    private void check(DocExample example) throws Exception {
        Path fresh = dir.resolve("fresh");
        if (!Files.exists(fresh)) {
            Said init = shell("./tonle init " + fresh);
            assertThat(init.exit()).as(init.err()).isZero();
        }
        Path lake = Files.createTempDirectory(dir, "checked");
        assertThat(shell("cp -r %s/. %s".formatted(fresh, lake)).exit()).isZero();
        Files.writeString(
                lake.resolve(example.argument()),
                example.text().replace("/run/secrets", secrets.toString()));
        Said validated = shell("./tonle validate " + lake);
        assertThat(validated.exit()).as(validated.err()).isZero();
    }

    private Said shell(String command) throws Exception {
        Path out = dir.resolve("out");
        Path err = dir.resolve("err");
        Process process =
                builder(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        try {
            assertThat(process.waitFor(4, TimeUnit.MINUTES)).as(command).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Said(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    private ProcessBuilder builder(String command) {
        ProcessBuilder builder =
                new ProcessBuilder("bash", "-euo", "pipefail", "-c", command)
                        .directory(dir.toFile())
                        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.environment().put("KAFKA_JAAS", "secret");
        builder.environment().put("TMPDIR", dir.toString());
        return builder;
    }

    private static void stop(Process process) throws InterruptedException {
        process.destroy();
        assertThat(process.waitFor(PATIENCE)).as("SIGTERM ends a lake").isTrue();
        assertThat(process.exitValue()).isZero();
    }

    @Override
    public void close() throws InterruptedException {
        List<Process> left = new ArrayList<>(running.values());
        try {
            for (Process process : left) {
                stop(process);
            }
        } finally {
            left.forEach(Process::destroyForcibly);
        }
    }
}
