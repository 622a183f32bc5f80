package org.tonle.embedded;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM beside the test's, to be killed as the operating system kills: without a word. */
final class ChildProcess implements AutoCloseable {
    private static final String READY = "ready";

    private final Process process;
    private final List<String> facts;

    private ChildProcess(Process process, List<String> facts) {
        this.process = process;
        this.facts = facts;
    }

    /** Runs {@code main} with {@code directory} and returns when it has called {@link #ready}. */
    static ChildProcess start(Class<?> main, Path directory) throws IOException {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:+UseSerialGC",
                                "-Xmx256m",
                                "-cp",
                                System.getProperty("java.class.path"),
                                main.getName(),
                                directory.toString())
                        .redirectErrorStream(true)
                        .start();
        BufferedReader said =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        List<String> lines = new ArrayList<>();
        for (String line = said.readLine(); line != null; line = said.readLine()) {
            if (line.startsWith(READY)) {
                return new ChildProcess(
                        process, List.of(line.substring(READY.length()).strip().split(" ")));
            }
            lines.add(line);
        }
        throw new AssertionError("the child ended early:\n" + String.join("\n", lines));
    }

    /** Called in the child: it says {@code facts} and then does nothing more until it is killed. */
    static void ready(Object... facts) throws IOException {
        StringBuilder line = new StringBuilder("ready");
        for (Object fact : facts) {
            line.append(' ').append(fact);
        }
        System.out.println(line);
        while (System.in.read() >= 0) {
            // nobody writes; the end of input means that the test is gone
        }
        Runtime.getRuntime().halt(1);
    }

    String fact(int index) {
        return facts.get(index);
    }

    long pid() {
        return process.pid();
    }

    void kill() throws InterruptedException {
        process.destroyForcibly();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            throw new AssertionError("the child can't be killed");
        }
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }
}
