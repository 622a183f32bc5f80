package org.tonle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands as processes, as a shell starts them. */
class LakeProcessIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir Path temp;

    private record Ended(int exit, String out, String err) {}

    private Process start(String name, String... args) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "--add-opens=java.base/java.nio=ALL-UNNAMED",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx512m",
                        "-Dtonle.home=" + System.getProperty("tonle.root"),
                        "-Djava.io.tmpdir=" + temp,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName()));
        command.addAll(List.of(args));
        return new ProcessBuilder(command)
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                .redirectOutput(temp.resolve(name + ".out").toFile())
                .redirectError(temp.resolve(name + ".err").toFile())
                .start();
    }

    private Ended run(String name, String... args) throws Exception {
        Process process = start(name, args);
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).isTrue();
        return new Ended(
                process.exitValue(),
                Files.readString(temp.resolve(name + ".out")),
                Files.readString(temp.resolve(name + ".err")));
    }

    private LakeAddress awaitReady(Process up, Path lake) throws Exception {
        long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
        while (System.nanoTime() < deadline) {
            Optional<LakeAddress> address = LakeAddress.read(lake).filter(a -> a.pid() == up.pid());
            if (address.isPresent()) {
                return address.get();
            }
            assertThat(up.waitFor(50, TimeUnit.MILLISECONDS))
                    .as(Files.readString(temp.resolve("up.err")))
                    .isFalse();
        }
        throw new AssertionError("not ready: " + Files.readString(temp.resolve("up.err")));
    }

    @Test
    void aLakeIsMadeServedAskedAndStopped() throws Exception {
        Path lake = temp.resolve("lake");
        assertThat(run("init", "init", lake.toString()).exit()).isZero();
        Files.writeString(
                lake.resolve("lake.yaml"),
                "ingest: {commit-interval: 200ms}\nrefresh-interval: 200ms\n",
                StandardOpenOption.APPEND);
        Process up = start("up", "up", "--lake", lake.toString(), "--port", "0");
        LakeAddress address = awaitReady(up, lake);
        try (LakeClient client = new LakeClient(LakeAddress.adminToken(lake))) {
            byte[] body =
                    "{\"type\":\"a\"}\n{\"type\":\"a\"}\n{}\n".getBytes(StandardCharsets.UTF_8);
            LakeClient.Receipt receipt = client.ingest(address.url(), "events", body, "k1");
            assertThat(receipt.accepted()).isEqualTo(3);
            assertThat(client.ingest(address.url(), "events", body, "k1")).isEqualTo(receipt);

            Ended second = run("second", "up", "--lake", lake.toString(), "--port", "0");
            assertThat(second.exit()).isEqualTo(Exit.FAILED);
            assertThat(second.err()).contains("already open: process " + up.pid());

            long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
            String sum = "SELECT SUM(events) AS n FROM gold.events_by_type";
            while (client.query(address.url(), sum).number() < 3 && System.nanoTime() < deadline) {
                TimeUnit.MILLISECONDS.sleep(200);
            }
        }
        String sql = "SELECT event_type, events FROM gold.events_by_type ORDER BY events";
        Ended table = run("table", "query", "--lake", lake.toString(), sql);
        assertThat(table.out())
                .isEqualTo(
                        """
                        event_type  events
                        ──────────  ──────
                                         1
                        a                2
                        """);
        assertThat(table.err()).isEqualTo("2 rows\n");
        Ended list = run("list", "query", "list", "--lake", lake.toString());
        assertThat(list.out()).startsWith("id  principal  since  sql\n");
        Ended maintenance = run("maintenance", "maintenance", "--lake", lake.toString());
        assertThat(maintenance.out()).startsWith("table  action  runs  files  became");
        String files = lake.resolve(".tonle").toUri().toString();
        assertThat(run("keep", "maintenance", "keep", "--lake", lake.toString(), files).out())
                .isEqualTo("0 files are kept\n");
        assertThat(run("release", "maintenance", "release", "--lake", lake.toString(), files).out())
                .isEqualTo("0 files may go\n");
        Ended cancel = run("cancel", "query", "cancel", "--lake", lake.toString(), "no-such");
        assertThat(cancel.exit()).isEqualTo(Exit.FAILED);
        assertThat(cancel.err()).startsWith("tonle: NOT_FOUND: ");
        Ended json =
                run(
                        "json",
                        "query",
                        "--url",
                        address.url(),
                        "--token-file",
                        lake.resolve(".tonle/admin-token").toString(),
                        "--format",
                        "json",
                        sql);
        assertThat(json.exit()).isZero();
        assertThat(JSON.readTree(json.out()).toString())
                .isEqualTo(
                        "[{\"event_type\":null,\"events\":1},{\"event_type\":\"a\",\"events\":2}]");

        // as timeout(1) does it, to the process and to its group
        new ProcessBuilder("sh", "-c", "kill -TERM $0; kill -INT $0", String.valueOf(up.pid()))
                .start()
                .waitFor();
        assertThat(up.waitFor(90, TimeUnit.SECONDS)).as("SIGTERM ends it").isTrue();
        assertThat(up.exitValue()).isZero();
        assertThat(LakeAddress.file(lake)).doesNotExist();
        assertThat(Files.readString(temp.resolve("up.out"))).isEmpty();
        assertThat(Files.readString(temp.resolve("up.err"))).doesNotContain("ERROR");
        assertThat(ProcessHandle.allProcesses().flatMap(p -> p.info().commandLine().stream()))
                .as("processes of the lake that are left")
                .noneMatch(c -> c.contains(lake.toString()));
    }

    @Test
    void theDemoHoldsItsCountsAndASecondRunPostsNothing() throws Exception {
        Path lake = temp.resolve("demo");
        Ended first =
                run("first", "demo", "--json", "--events", "12000", "--lake", lake.toString());
        assertThat(first.exit()).as(first.err()).isZero();
        JsonNode counts = JSON.readTree(first.out());
        assertThat(counts.get("events").asLong()).isEqualTo(12_000);
        assertThat(counts.get("silver_rows").asLong()).isEqualTo(12_000);
        assertThat(counts.get("quarantined").asLong()).isEqualTo(300);
        assertThat(counts.get("bronze_rows").asLong())
                .isEqualTo(12_300 + counts.get("duplicates").asLong());
        assertThat(counts.get("answers")).hasSize(5);

        Ended second = run("again", "demo", "--json", "--lake", lake.toString());
        assertThat(second.exit()).as(second.err()).isZero();
        assertThat(second.err()).contains("nothing is posted");
        JsonNode again = JSON.readTree(second.out());
        for (String name :
                List.of(
                        "events",
                        "resent",
                        "malformed",
                        "bronze_rows",
                        "silver_rows",
                        "duplicates",
                        "quarantined",
                        "answers")) {
            assertThat(again.get(name)).as(name).isEqualTo(counts.get(name));
        }
        assertThat(run("other", "demo", "--events", "5", "--lake", lake.toString()).exit())
                .isEqualTo(Exit.USAGE);
    }
}
