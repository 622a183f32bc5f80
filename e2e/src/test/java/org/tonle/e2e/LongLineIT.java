package org.tonle.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.http.HttpClient;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Lines that are longer than the heap of the lake, plain and packed, are refused and what stands
 * around them is taken; {@code -Dtonle.line.megabytes=1024} for longer ones.
 */
class LongLineIT {
    /** The heap has 512. */
    private static final int MEGABYTES = Integer.getInteger("tonle.line.megabytes", 600);

    /** Too many, too, and quicker. */
    private static final int SOME = 50;

    private static final int MEGABYTE = 1 << 20;
    private static final Duration LIMIT = Duration.ofSeconds(180);

    @TempDir private Path dir;

    @Test
    void aLineLongerThanTheMemoryGoesToQuarantineAndTheOthersGoOn() throws Exception {
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, "");
        Path drop = Files.createDirectories(folder.resolve("drop"));
        Files.writeString(
                folder.resolve("sources/drops.yaml"),
                "kind: files\npath: drop\nsettle: 100ms\nid: id\n");
        Files.writeString(
                folder.resolve("pipelines/drops.sql"),
                "CREATE STREAMING TABLE silver.drops AS SELECT event_id AS id,"
                        + " headers['file'] AS f FROM STREAM bronze.drops;");
        byte[] before = "{\"id\":\"1\"}\n".getBytes(UTF_8);
        byte[] behind = "\n{\"id\":\"2\"}\n".getBytes(UTF_8);
        sparse(drop.resolve("plain.ndjson"), before, behind);
        write(drop.resolve("table.csv"), "id\n3\n", "\n4\n");
        write(drop.resolve("text.json"), "[{\"id\":\"5\"},\"", "\",{\"id\":\"6\"}]");
        packed(drop.resolve("packed.ndjson.gz"));
        try (HttpClient http = HttpClient.newHttpClient();
                LakeProcess lake = LakeProcess.start(folder);
                RetryingClient client = new RetryingClient(() -> LakeProcess.address(folder), 1)) {
            LakeProcess.Address address = lake.awaitAddress().orElseThrow();
            long begun = System.nanoTime();
            CrashRun.awaitCount(http, address, "quarantine.silver_drops", 4, LIMIT);
            CrashRun.awaitCount(http, address, "silver.drops", 6, LIMIT);
            long seconds = Duration.ofNanos(System.nanoTime() - begun).toSeconds();
            List<String> taken = new ArrayList<>();
            CrashRun.ask(http, address, "SELECT id FROM silver.drops ORDER BY id")
                    .forEach(row -> taken.add(row.path("id").asText()));
            // of a table, or an array, what stands behind it isn't known any more
            assertThat(taken).containsExactly("1", "2", "3", "5", "7", "8");
            List<String> refused = new ArrayList<>();
            CrashRun.ask(http, address, "SELECT message FROM quarantine.silver_drops")
                    .forEach(row -> refused.add(row.path("message").asText()));
            System.out.printf("lines of %d MB: %d s, %s%n", MEGABYTES, seconds, refused);
            assertThat(refused)
                    .hasSize(4)
                    .allSatisfy(message -> assertThat(message).contains("16777216"))
                    .filteredOn(message -> message.contains("and an event 16777216 at most"))
                    .hasSize(2)
                    .allSatisfy(message -> assertThat(message).startsWith("line 2 has "));
            long goal = client.answers() + 5;
            while (client.answers() < goal) {
                assertThat(lake.alive()).as(lake.output()).isTrue();
                assertThat(System.nanoTime() - begun).isLessThan(3 * LIMIT.toNanos());
                Thread.sleep(20);
            }
            assertThat(lake.terminate()).isZero();
        }
    }

    /** A text between two others. */
    private static void write(Path file, String before, String behind) throws IOException {
        Files.writeString(file, before + "x".repeat(SOME * MEGABYTE) + behind);
    }

    /** Zeros between two texts, which take no room on the disk. */
    private static void sparse(Path file, byte[] before, byte[] behind) throws IOException {
        try (FileChannel out =
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            out.write(ByteBuffer.wrap(before));
            out.write(ByteBuffer.wrap(behind), before.length + (long) MEGABYTES * MEGABYTE);
        }
    }

    private static byte[] noise() {
        byte[] noise = new byte[2 * MEGABYTE];
        Random random = new Random(7);
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (byte) ('0' + random.nextInt(64));
        }
        return noise;
    }

    /** Made of parts that are packed once: a file may have many. */
    private static void packed(Path file) throws IOException {
        byte[] zeros = zipped(new byte[SOME * MEGABYTE]);
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(zipped("{\"id\":\"7\"}\n".getBytes(UTF_8)));
            // nothing but zeros is what a file looks like that was made to fill a disk
            out.write(zipped(noise()));
            for (int megabytes = 0; megabytes < MEGABYTES; megabytes += SOME) {
                out.write(zeros);
            }
            out.write(zipped("\n{\"id\":\"8\"}\n".getBytes(UTF_8)));
        }
    }

    private static byte[] zipped(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
            zip.write(bytes);
        }
        return out.toByteArray();
    }
}
