package org.tonle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
    @TempDir Path temp;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int run(String... args) {
        out.reset();
        err.reset();
        return new Main(
                        new Terminal(
                                out,
                                new PrintStream(err, true, StandardCharsets.UTF_8),
                                false,
                                false,
                                true))
                .run(args);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void helpGoesToStdoutAndMisuseToStderr() {
        assertThat(run("--help")).isZero();
        assertThat(out()).contains("demo", "init", "up", "validate", "query", "Exit status:");
        assertThat(err()).isEmpty();
        assertThat(run()).isEqualTo(Exit.USAGE);
        assertThat(out()).isEmpty();
        assertThat(run("querry")).isEqualTo(Exit.USAGE);
        assertThat(err()).contains("querry", "tonle query");
        assertThat(run("query", "--format", "xml", "SELECT 1")).isEqualTo(Exit.USAGE);
        assertThat(err()).contains("'xml' is no format; there are table, json, ndjson and csv");
        assertThat(run("up", "--port", "70000")).isEqualTo(Exit.USAGE);
        assertThat(run("query", "--help")).isZero();
        assertThat(out()).contains("--url").doesNotContain("\u001b");
        assertThat(run("--version")).isZero();
        assertThat(out()).startsWith("tonle 0.").doesNotContain("unknown", "project");
    }

    @ParameterizedTest
    @ValueSource(strings = {"query SELECT", "query list", "query cancel 1"})
    void whereNoLakeAnswersThatIsSaid(String command) {
        List<String> line = new ArrayList<>(List.of(command.split(" ")));
        line.addAll(List.of("--url", "http://127.0.0.1:1"));

        assertThat(run(line.toArray(String[]::new))).isEqualTo(Exit.NOT_RUNNING);

        assertThat(err()).contains("no lake answers").doesNotContain("bug");
    }

    @Test
    void aFileThatCannotBeReadIsNamedAndNoBug() throws IOException {
        Path address = Files.createDirectories(temp.resolve("lake/.tonle/lake.json"));

        assertThat(run("query", "--lake", temp.resolve("lake").toString(), "SELECT 1"))
                .isEqualTo(Exit.FAILED);

        assertThat(err()).contains(address.toString(), "Check that").doesNotContain("bug");
    }

    @Test
    void initMakesALakeThatIsValidAndNeverOverwrites() throws IOException {
        Path lake = temp.resolve("Meine Daten");

        assertThat(run("init", lake.toString())).isZero();
        assertThat(Files.readString(lake.resolve("lake.yaml"))).contains("name: meine-daten\n");
        assertThat(run("validate", lake.toString())).isZero();
        assertThat(out()).isEqualTo("meine-daten is valid: 1 source, 2 datasets\n");
        assertThat(run("validate", "--lake", lake.toString())).isZero();
        assertThat(out()).isEqualTo("meine-daten is valid: 1 source, 2 datasets\n");
        assertThat(run("validate", "--lake", "a", "b")).isEqualTo(Exit.USAGE);
        Files.writeString(lake.resolve("sources/events.yaml"), "kind: http\nid: mine\n");
        assertThat(run("init", lake.toString())).isEqualTo(Exit.FAILED);
        assertThat(Files.readString(lake.resolve("sources/events.yaml"))).contains("mine");
    }

    @Test
    void validateListsEveryProblemOfFilesAndOfSql() throws IOException {
        run("init", temp.resolve("l").toString());
        Path lake = temp.resolve("l");
        Files.writeString(lake.resolve("sources/events.yaml"), "kind: ftp\nids: x\n");

        assertThat(run("validate", lake.toString())).isEqualTo(Exit.INVALID);
        assertThat(out()).isEmpty();
        assertThat(err())
                .contains("sources/events.yaml:1:7: \"ftp\": unknown kind of source")
                .contains("sources/events.yaml:2:1: \"ids\": unknown key; did you mean id?");

        Files.writeString(lake.resolve("sources/events.yaml"), "kind: http\n");
        Files.writeString(
                lake.resolve("pipelines/events.sql"),
                "CREATE MATERIALIZED VIEW gold.a AS\n  SELECT nope FROM bronze.events;");
        Files.writeString(lake.resolve("lake.yaml"), "nam: x\n");
        assertThat(run("validate", lake.toString())).isEqualTo(Exit.INVALID);
        assertThat(err())
                .contains("2 problems", "lake.yaml:1:1: \"nam\"", "pipelines/events.sql:2:10")
                .contains("nope");
        assertThat(run("validate", temp.resolve("none").toString())).isEqualTo(Exit.INVALID);
        assertThat(err()).contains("tonle init DIR");
    }

    @Test
    void validateWarnsOfAMaskThatHidesLittleAndTheLakeIsValidAllTheSame() throws IOException {
        run("init", temp.resolve("l").toString());
        Path lake = temp.resolve("l");
        Files.createDirectories(lake.resolve("policies"));
        Files.writeString(
                lake.resolve("policies/p.yaml"),
                "masks:\n  - {column: silver.events.event_type, value: \"'x'\"}\n");

        assertThat(run("validate", lake.toString())).isZero();
        assertThat(out()).isEqualTo("l is valid: 1 source, 2 datasets\n");
        assertThat(err())
                .startsWith("policies/p.yaml:2:14: warning: \"silver.events.event_type\": ")
                .contains("data_engineer in bronze.events.payload")
                .contains("data_viewer in gold.events_by_type.event_type");
    }

    @Test
    void aLakeThatDoesNotRunIsNamed() throws IOException {
        assertThat(run("query", "--lake", temp.toString(), "SELECT 1")).isEqualTo(Exit.NOT_RUNNING);
        assertThat(err()).contains("no lake is running in " + temp);
        assertThat(run("query", "--url", "http://127.0.0.1:1", "SELECT 1"))
                .isEqualTo(Exit.NOT_RUNNING);
        assertThat(run("query", "--url", "nonsense", "SELECT 1")).isEqualTo(Exit.USAGE);

        // what a killed one leaves behind: no process has this number on Linux
        Files.createDirectories(temp.resolve(".tonle"));
        new LakeAddress("http://127.0.0.1:1", 1L << 40, "1").write(temp);
        assertThat(run("query", "--lake", temp.toString(), "SELECT 1")).isEqualTo(Exit.NOT_RUNNING);
        assertThat(err()).contains("runs no more");
    }

    private HttpServer lake(int status, String type, String body) throws IOException {
        HttpServer server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/api/v1/query",
                exchange -> {
                    exchange.getRequestBody().readAllBytes();
                    exchange.getResponseHeaders().add("content-type", type);
                    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(status, bytes.length);
                    try (OutputStream response = exchange.getResponseBody()) {
                        response.write(bytes);
                    }
                });
        server.start();
        return server;
    }

    @Test
    void aTableIsDrawnFromRowsAndOnlyRowsGoToStdout() throws IOException {
        HttpServer server = lake(200, "text/csv", "a,b\n1,x\n22,\n");
        try {
            String url = "http://127.0.0.1:" + server.getAddress().getPort();
            assertThat(run("query", "--url", url + "/", "SELECT 1")).isZero();
            assertThat(out()).isEqualTo(" a  b\n──  ─\n 1  x\n22\n");
            assertThat(err()).isEqualTo("2 rows\n");
            assertThat(run("query", "--url", url, "--format", "csv", "SELECT 1")).isZero();
            assertThat(out()).isEqualTo("a,b\n1,x\n22,\n");
            assertThat(err()).isEmpty();
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aProblemOfTheLakeIsShownWithItsCode() throws IOException {
        HttpServer server =
                lake(
                        400,
                        "application/problem+json",
                        "{\"code\":\"INVALID_SQL\",\"detail\":\"no such column\"}");
        try {
            String url = "http://127.0.0.1:" + server.getAddress().getPort();
            for (String format : new String[] {"table", "json", "csv"}) {
                assertThat(run("query", "--url", url, "--format", format, "SELECT nope"))
                        .isEqualTo(Exit.FAILED);
                assertThat(out()).isEmpty();
                assertThat(err()).isEqualTo("tonle: INVALID_SQL: no such column\n");
            }
        } finally {
            server.stop(0);
        }
    }

    @Test
    void theAddressOfALakeAppearsWhole() throws IOException {
        Files.createDirectories(temp.resolve(".tonle"));
        new LakeAddress("http://127.0.0.1:7070", 42, "0.1").write(temp);

        assertThat(Files.readString(LakeAddress.file(temp)))
                .isEqualTo("{\"url\":\"http://127.0.0.1:7070\",\"pid\":42,\"version\":\"0.1\"}\n");
        assertThat(LakeAddress.read(temp))
                .contains(new LakeAddress("http://127.0.0.1:7070", 42, "0.1"));
        LakeAddress.remove(temp);
        assertThat(LakeAddress.read(temp)).isEmpty();
        assertThat(temp.resolve(".tonle")).isEmptyDirectory();
    }
}
