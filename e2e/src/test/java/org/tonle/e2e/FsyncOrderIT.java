package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A lake answers 202 when the body is on the disk, commits when the files are, and sends what an
 * engine has worked out when the disk holds who asked for it: read from a trace of the system calls
 * of {@code tonle up}, because a kill keeps the page cache and would prove nothing.
 */
class FsyncOrderIT {
    private static final int REQUESTS = 5;
    private static final int QUERIES = 5;
    private static final Duration START = Duration.ofSeconds(180);

    @TempDir Path dir;

    @Test
    void whatAnAnswerOrACommitRestsOnIsForcedBeforeIt() throws Exception {
        if (!straceIsThere()) {
            System.err.println("NOT SHOWN: strace is missing");
            return;
        }
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, "");
        // one writer of tables: whatever is written when it commits is of this commit
        Files.delete(folder.resolve("pipelines/events.sql"));
        List<String> ids = new ArrayList<>();
        List<String> asked = new ArrayList<>();
        List<SystemCall> calls = SystemCall.read(trace(folder, ids, asked));
        for (String id : ids) {
            assertForcedBeforeItsAnswer(calls, id);
        }
        for (String id : asked) {
            assertNotedBeforeItsRows(calls, id);
        }
        int commits = assertFilesForcedBeforeTheirCommit(calls);
        System.out.printf(
                "forced before its answer: %d requests, %d queries; before their commit: the files of %d commits%n",
                ids.size(), asked.size(), commits);
    }

    private static void assertForcedBeforeItsAnswer(List<SystemCall> calls, String id) {
        SystemCall written =
                calls.stream()
                        .filter(c -> c.isWrite() && c.text().contains(id))
                        .filter(c -> c.path().endsWith(".log") && c.path().contains("events-"))
                        .findFirst()
                        .orElseThrow(() -> new AssertionError("no segment got " + id));
        SystemCall answered =
                calls.stream()
                        .filter(c -> c.isWrite() && c.begun() > written.begun())
                        .filter(c -> c.text().contains("HTTP/1.1 202"))
                        .findFirst()
                        .orElseThrow(() -> new AssertionError("no answer to " + id));
        assertThat(calls)
                .as("%s was written at line %d", id, written.ended())
                .anyMatch(c -> c.forces(written.path(), written.ended(), answered.begun()));
    }

    private static void assertNotedBeforeItsRows(List<SystemCall> calls, String id) {
        SystemCall noted =
                calls.stream()
                        .filter(c -> c.isWrite() && c.text().contains(id))
                        .filter(c -> c.path().contains("/.tonle/audit/"))
                        .findFirst()
                        .orElseThrow(() -> new AssertionError("nobody noted " + id));
        SystemCall answered =
                calls.stream()
                        .filter(c -> c.isWrite() && c.path().startsWith("socket:"))
                        .filter(c -> c.text().contains("{\\\"x\\\":\\\"" + id))
                        .findFirst()
                        .orElseThrow(() -> new AssertionError("no rows of " + id));
        assertThat(calls)
                .as("%s was noted at line %d", id, noted.ended())
                .anyMatch(c -> c.forces(noted.path(), noted.ended(), answered.begun()));
    }

    private static int assertFilesForcedBeforeTheirCommit(List<SystemCall> calls) {
        List<SystemCall> commits =
                calls.stream()
                        .filter(c -> c.isWrite() && c.path().startsWith("socket:"))
                        .filter(c -> c.text().contains("logPositions"))
                        .filter(c -> c.text().contains(".metadata.json"))
                        .toList();
        for (SystemCall commit : commits) {
            List<SystemCall> before =
                    calls.stream()
                            .filter(c -> c.isWrite() && c.begun() < commit.begun())
                            .filter(c -> isOfATable(c.path()))
                            .toList();
            for (String file : before.stream().map(SystemCall::path).distinct().toList()) {
                long last =
                        before.stream()
                                .filter(c -> c.path().equals(file))
                                .mapToLong(SystemCall::ended)
                                .max()
                                .orElseThrow();
                assertThat(calls)
                        .as("%s was written at line %d", file, last)
                        .anyMatch(c -> c.forces(file, last, commit.begun()))
                        // or a power cut takes the name, and leaves a file that nobody finds
                        .anyMatch(c -> c.forces(folder(file), last, commit.begun()))
                        .anyMatch(c -> c.forces(folder(folder(file)), 0, commit.begun()));
            }
        }
        assertThat(calls).anyMatch(c -> c.isWrite() && c.path().endsWith(".parquet"));
        // the table's creation, and what was posted
        assertThat(commits).hasSizeGreaterThan(1);
        return commits.size();
    }

    private static String folder(String path) {
        return path.substring(0, path.lastIndexOf('/'));
    }

    private static boolean isOfATable(String path) {
        return path.endsWith(".parquet")
                || path.endsWith(".avro")
                || path.endsWith(".metadata.json");
    }

    private static boolean straceIsThere() throws InterruptedException {
        try {
            return new ProcessBuilder("strace", "-V")
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private Path trace(Path folder, List<String> ids, List<String> asked) throws Exception {
        Path trace = dir.resolve("trace");
        Path said = dir.resolve("said");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "strace",
                                "-f",
                                "-y",
                                "--seccomp-bpf",
                                "-s",
                                "9000",
                                "-e",
                                "trace=fsync,fdatasync,write,pwrite64,writev,sendto,sendmsg",
                                "-e",
                                "signal=none",
                                "-o",
                                trace.toString()));
        command.addAll(Product.tonle("up", "--lake", folder.toString(), "--port", "0"));
        Process strace =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        try {
            LakeProcess.Address address = awaitAddress(folder, strace, said);
            for (int i = 0; i < REQUESTS; i++) {
                String id = UUID.randomUUID().toString().replace("-", "");
                post(address, id);
                ids.add(id);
                // so that more than one commit is seen
                Thread.sleep(400);
            }
            for (int i = 0; i < QUERIES; i++) {
                String id = UUID.randomUUID().toString().replace("-", "");
                send(
                        address.request("/api/v1/query"),
                        "{\"sql\":\"SELECT '" + id + "' AS x\"}",
                        200);
                asked.add(id);
            }
            // strace would let go of it, and not pass the signal on
            strace.children().forEach(ProcessHandle::destroy);
            assertThat(strace.waitFor(90, TimeUnit.SECONDS)).as(Files.readString(said)).isTrue();
        } finally {
            strace.descendants().forEach(ProcessHandle::destroyForcibly);
            strace.destroyForcibly().waitFor();
        }
        return trace;
    }

    private static LakeProcess.Address awaitAddress(Path folder, Process strace, Path said)
            throws Exception {
        long deadline = System.nanoTime() + START.toNanos();
        while (strace.isAlive() && System.nanoTime() < deadline) {
            Optional<LakeProcess.Address> address = LakeProcess.address(folder);
            if (address.isPresent()) {
                return address.get();
            }
            Thread.sleep(50);
        }
        throw new AssertionError("the lake isn't ready:\n" + Files.readString(said));
    }

    private static void post(LakeProcess.Address address, String id) throws Exception {
        send(
                address.request("/api/v1/ingest/" + LakeFolder.SOURCE)
                        .header("Content-Type", "application/x-ndjson"),
                "{\"id\":\"%s\",\"grp\":\"g\",\"amount\":1}\n".formatted(id),
                202);
    }

    private static void send(HttpRequest.Builder to, String body, int status) throws Exception {
        try (HttpClient http =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            HttpRequest request =
                    to.timeout(Duration.ofSeconds(30))
                            .POST(HttpRequest.BodyPublishers.ofString(body))
                            .build();
            HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        }
    }
}
