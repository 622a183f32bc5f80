package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.tonle.catalog.LocalFileIO;

/**
 * Puts a file after the other into a folder that the lake reads, while the lake comes and goes:
 * each with {@link #EVENTS} events of their own and a line that is no JSON. What is in quarantine
 * is mended and replayed all the while, by two at once. Of {@link #LETTER_EVERY} files one goes
 * with a letter, into a folder that the lake takes as objects.
 */
final class FileDropper implements AutoCloseable {
    private static final int EVENTS = 40;
    private static final int LETTER_EVERY = 5;
    private static final long PAUSE_MILLIS = 150;
    private static final long REPLAY_PAUSE_MILLIS = 400;

    /** A slow machine has time for many. */
    private static final int MOST = 600;

    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final String MENDED = "{\"fix\":\"'{}'\"}";

    private final Path lake;
    private final Path folder;
    private final Path letters;
    private final List<Thread> threads;
    private final HttpClient http = HttpClient.newHttpClient();
    private volatile boolean stopped;
    private volatile int files;
    private final AtomicLong replayed = new AtomicLong();

    /** Adds the source and what becomes of it to a lake's folder, and begins. */
    FileDropper(Path lake) {
        this.lake = lake;
        this.folder = lake.resolve("drop");
        this.letters = lake.resolve("letters");
        try {
            Files.createDirectories(folder);
            Files.createDirectories(letters);
            Files.writeString(
                    lake.resolve("sources/letters.yaml"),
                    """
                    kind: files
                    path: letters
                    format: object
                    settle: 100ms
                    """);
            Files.writeString(
                    lake.resolve("sources/drops.yaml"),
                    """
                    kind: files
                    path: drop
                    settle: 100ms
                    id: id
                    """);
            Files.writeString(
                    lake.resolve("pipelines/drops.sql"),
                    "CREATE STREAMING TABLE silver.drops AS SELECT event_id AS id FROM STREAM"
                            + " bronze.drops;");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        this.threads =
                List.of(
                        Thread.ofPlatform().name("file-dropper").start(this::drop),
                        Thread.ofPlatform().name("replayer-1").start(this::replay),
                        Thread.ofPlatform().name("replayer-2").start(this::replay));
    }

    private void replay() {
        try {
            while (!stopped) {
                Optional<LakeProcess.Address> address = LakeProcess.address(lake);
                if (address.isPresent()) {
                    try {
                        replayed.addAndGet(replay(address.get()));
                    } catch (IOException e) {
                        // it was killed; whether the rows have moved isn't known
                    }
                }
                Thread.sleep(REPLAY_PAUSE_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** How many rows have left quarantine by this one. */
    private long replay(LakeProcess.Address address) throws IOException, InterruptedException {
        HttpResponse<String> answer =
                http.send(
                        address.request("/api/v1/quarantine/silver.drops/replay")
                                .header("content-type", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofString(MENDED))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        return new ObjectMapper().readTree(answer.body()).path("written").asLong();
    }

    /** Waits until a running lake has let rows leave quarantine, and has said so. */
    void awaitReplay() throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (replayed.get() == 0) {
            assertThat(System.nanoTime()).as("a replay").isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    private void drop() {
        try {
            while (!stopped && files < MOST) {
                int number = files;
                StringBuilder lines = new StringBuilder();
                for (int i = 0; i < EVENTS; i++) {
                    lines.append("{\"id\":\"%d-%d\"}\n".formatted(number, i));
                    if (i == EVENTS / 2) {
                        lines.append("broken ").append(number).append('\n');
                    }
                }
                put(folder, number + ".ndjson", lines.toString());
                if (number % LETTER_EVERY == 0) {
                    put(letters, number + ".txt", letter(number));
                }
                files = number + 1;
                Thread.sleep(PAUSE_MILLIS);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String letter(int number) {
        return "Letter " + number + " of many.";
    }

    private static void put(Path folder, String name, String text) throws IOException {
        Path fresh = Files.writeString(folder.resolve(".fresh"), text);
        Files.move(fresh, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Stops dropping, and waits until a running lake has each event and each bad line once. */
    void check(LakeProcess.Address lake) throws IOException, InterruptedException {
        stop();
        int all = files * (EVENTS + 1);
        String wanted = "%d %d 0".formatted(all, all);
        long deadline = System.nanoTime() + LIMIT.toNanos();
        String found = counts(lake);
        while (!found.equals(wanted) && System.nanoTime() < deadline) {
            Thread.sleep(50);
            replay(lake);
            String now = counts(lake);
            if (!now.equals(found)) {
                // it goes on, however many there are
                deadline = System.nanoTime() + LIMIT.toNanos();
            }
            found = now;
        }
        assertThat(found).isEqualTo(wanted);
        assertThat(files).isGreaterThan(20);
        System.out.printf(
                "files %d, events %d, of them replayed under kills %d or more%n",
                files, all, replayed.get());
        assertThat(replayed.get()).isPositive();
        checkLetters(lake);
    }

    /**
     * Each letter is one row, which says what it is and where its bytes are; no others are there.
     */
    private void checkLetters(LakeProcess.Address address)
            throws IOException, InterruptedException {
        int all = (files + LETTER_EVERY - 1) / LETTER_EVERY;
        String count = "SELECT count(*) AS n FROM bronze.letters";
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (CrashRun.ask(http, address, count).path(0).path("n").asInt() < all
                && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        Map<String, String> texts = new TreeMap<>();
        Map<String, String> kept = new TreeMap<>();
        Set<Path> folders = new HashSet<>();
        for (JsonNode row :
                CrashRun.ask(
                        http, address, "SELECT name, text, sha256, location FROM bronze.letters")) {
            texts.merge(row.path("name").asText(), row.path("text").asText(), String::concat);
            Path bytes = LocalFileIO.path(row.path("location").asText());
            kept.put(row.path("sha256").asText(), Files.readString(bytes));
            folders.add(bytes.resolveSibling(""));
        }
        Map<String, String> wanted = new TreeMap<>();
        for (int number = 0; number < files; number += LETTER_EVERY) {
            wanted.put(number + ".txt", letter(number));
        }
        assertThat(texts).isEqualTo(wanted);
        assertThat(kept.values()).containsExactlyInAnyOrderElementsOf(wanted.values());
        assertThat(folders).hasSize(1);
        try (Stream<Path> stored = Files.list(folders.iterator().next())) {
            assertThat(stored.map(path -> path.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(kept.keySet());
        }
    }

    private String counts(LakeProcess.Address lake) throws IOException, InterruptedException {
        JsonNode row =
                CrashRun.ask(
                                http,
                                lake,
                                "SELECT (SELECT COUNT(*) FROM silver.drops) AS n,"
                                        + " (SELECT COUNT(DISTINCT id) FROM silver.drops) AS d,"
                                        + " (SELECT COUNT(DISTINCT payload)"
                                        + " FROM quarantine.silver_drops) AS q")
                        .path(0);
        return "%s %s %s".formatted(row.path("n"), row.path("d"), row.path("q"));
    }

    private void stop() throws InterruptedException {
        stopped = true;
        for (Thread thread : threads) {
            thread.join();
        }
    }

    @Override
    public void close() throws InterruptedException {
        stop();
        http.close();
    }
}
