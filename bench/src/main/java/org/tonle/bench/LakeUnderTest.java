package org.tonle.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/** A lake in a process of its own, and what it and its children have used of the processors. */
final class LakeUnderTest implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Process process;
    private final String url;
    private final String token;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Processes processes;

    String url() {
        return url;
    }

    /** The admin token of its folder. */
    String token() {
        return token;
    }

    private LakeUnderTest(Path folder, Process process, String url, String token) {
        this.process = process;
        this.processes = new Processes(process, folder.resolve(".tonle/postgres"));
        this.url = url;
        this.token = token;
    }

    /**
     * Starts {@code tonle up} on a folder, with the class path of this process and the product's
     * flags.
     */
    static LakeUnderTest start(Path root, Path folder) throws IOException, InterruptedException {
        List<String> command = java(System.getProperty("java.class.path"));
        command.add(1, "-Dtonle.home=" + root);
        command.addAll(
                List.of("org.tonle.cli.Main", "up", "--lake", folder.toString(), "--port", "0"));
        Path log = folder.resolve("bench.log");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        Path address = folder.resolve(".tonle/lake.json");
        while (!Files.exists(address)) {
            if (!process.isAlive()) {
                throw new IllegalStateException("the lake ended:\n" + Files.readString(log));
            }
            Thread.sleep(50);
        }
        return new LakeUnderTest(
                folder,
                process,
                JSON.readTree(address.toFile()).path("url").asText(),
                Files.readString(folder.resolve(".tonle/admin-token")).strip());
    }

    /** What starts a Java with the product's flags and this class path. */
    static List<String> java(String classPath) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(System.getProperty("tonle.flags", "").strip().split("\\s+")));
        command.addAll(List.of("-cp", classPath));
        return command;
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(url + path))
                .header("Authorization", "Bearer " + token);
    }

    /** The same request again and again; close it. */
    HttpLoad load(byte[] body, int connections) throws IOException {
        return new HttpLoad(URI.create(url), token, body, connections);
    }

    /** Its process, and PostgreSQL's. */
    Processes processes() {
        return processes;
    }

    Processes.Cpu cpu() throws IOException {
        return processes.cpu();
    }

    /** Resident memory of the lake's own process in bytes. */
    long residentBytes() throws IOException {
        return processes.residentBytes();
    }

    /** Posts every body once, {@code clients} at a time; returns when all are acknowledged. */
    void post(String source, List<byte[]> bodies, int clients) throws InterruptedException {
        AtomicInteger next = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < clients; i++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    for (int at = next.getAndIncrement();
                                            at < bodies.size();
                                            at = next.getAndIncrement()) {
                                        post(source, bodies.get(at));
                                    }
                                } catch (IOException | InterruptedException e) {
                                    failures.add(e);
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        if (!failures.isEmpty()) {
            throw new IllegalStateException(failures.getFirst());
        }
    }

    /** Posts one body, again while the lake says that it is too much. */
    void post(String source, byte[] body) throws IOException, InterruptedException {
        while (true) {
            HttpResponse<String> answer =
                    http.send(
                            request("/api/v1/ingest/" + source)
                                    .header("Content-Type", "application/x-ndjson")
                                    .timeout(Duration.ofSeconds(60))
                                    .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());
            switch (answer.statusCode()) {
                case 202 -> {
                    return;
                }
                case 429, 503 -> Thread.sleep(20);
                default -> throw new IOException(answer.statusCode() + " " + answer.body());
            }
        }
    }

    /** The rows of a query. */
    JsonNode query(String sql) throws IOException, InterruptedException {
        return query(JSON.createObjectNode().put("sql", sql));
    }

    /**
     * Asks where tables without a namespace are of {@code namespace}.
     *
     * @param by the token of whoever asks
     */
    JsonNode query(String sql, String namespace, String by)
            throws IOException, InterruptedException {
        return query(JSON.createObjectNode().put("sql", sql).put("namespace", namespace), by);
    }

    private JsonNode query(ObjectNode body) throws IOException, InterruptedException {
        return query(body, token);
    }

    private JsonNode query(ObjectNode body, String by) throws IOException, InterruptedException {
        return post("/api/v1/query", body, by, 200);
    }

    /** A new key of a user. */
    String key(String user) throws IOException, InterruptedException {
        return post("/api/v1/keys", JSON.createObjectNode().put("user", user), token, 201)
                .path("key")
                .asText();
    }

    private JsonNode post(String path, ObjectNode body, String by, int expected)
            throws IOException, InterruptedException {
        HttpResponse<String> answer =
                http.send(
                        HttpRequest.newBuilder(URI.create(url + path))
                                .header("Authorization", "Bearer " + by)
                                .header("Content-Type", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != expected) {
            throw new IOException(answer.statusCode() + " " + answer.body());
        }
        return JSON.readTree(answer.body());
    }

    /** Waits until every table has taken in everything. */
    void awaitSettled() throws IOException, InterruptedException {
        while (true) {
            boolean settled = true;
            for (JsonNode table : datasets()) {
                settled &= table.path("lag").asLong() == 0;
            }
            if (settled) {
                return;
            }
            // seldom: answering costs the lake what is being measured
            Thread.sleep(1000);
        }
    }

    /**
     * How many rows a table has now.
     *
     * @throws IllegalStateException if any table is failing
     */
    long rows(String name) throws IOException, InterruptedException {
        for (JsonNode table : datasets()) {
            if (table.path("name").asText().equals(name)) {
                return table.path("rows").asLong();
            }
        }
        return 0;
    }

    private JsonNode datasets() throws IOException, InterruptedException {
        HttpResponse<String> answer =
                http.send(
                        request("/api/v1/datasets").build(), HttpResponse.BodyHandlers.ofString());
        JsonNode tables = JSON.readTree(answer.body());
        for (JsonNode table : tables) {
            if (table.path("state").asText().equals("failing")) {
                throw new IllegalStateException(table.toString());
            }
        }
        return tables;
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        http.close();
    }

    /** What the files in a folder take; some may come and go meanwhile. */
    static long bytes(Path folder) throws IOException {
        AtomicLong bytes = new AtomicLong();
        Files.walkFileTree(
                folder,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes facts) {
                        bytes.addAndGet(facts.size());
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException gone) {
                        return FileVisitResult.CONTINUE;
                    }
                });
        return bytes.get();
    }

    static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
