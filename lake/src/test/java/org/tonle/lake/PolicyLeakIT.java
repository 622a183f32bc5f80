package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.query.ReadPoint;
import org.tonle.query.RowFormat;
import org.tonle.query.RunningQuery;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/** What policy hides stays hidden when definitions change, fail, or look elsewhere. */
class PolicyLeakIT {
    private static final Principal VIEWER =
            new Principal("vera", Set.of(Principal.DATA_VIEWER), Map.of());
    private static final Principal SCIENTIST =
            new Principal("sam", Set.of(Principal.DATA_SCIENTIST), Map.of());

    @TempDir private Path folder;

    private Lake open(String pipelines, String policies) throws IOException {
        write(
                "lake.yaml",
                "name: test\ningest: {commit-interval: 200ms}\nrefresh-interval: 100ms\n");
        write("sources/people.yaml", "kind: http\ncolumns: {name: string, ssn: string}\n");
        write("sources/revoked.yaml", "kind: http\ncolumns: {who: string}\n");
        write("pipelines/p.sql", pipelines);
        write("policies/p.yaml", policies);
        return Lake.open(folder, LakeOptions.ofProcess());
    }

    private void write(String file, String text) throws IOException {
        Files.createDirectories(folder.resolve(file).resolveSibling("."));
        Files.writeString(folder.resolve(file), text);
    }

    private static void send(Lake lake, String source, String events) {
        lake.ingest(
                source,
                events.getBytes(StandardCharsets.UTF_8),
                "application/json",
                Optional.empty(),
                Map.of());
    }

    private static void await(Supplier<Boolean> condition) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!condition.get()) {
            assertThat(System.nanoTime()).as("not in time").isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    /** The rows, or the error. */
    private static String said(Lake lake, String sql, Principal principal, ReadPoint at) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (RunningQuery query = lake.queries().run(sql, principal, at)) {
            query.writeTo(out, RowFormat.NDJSON);
        } catch (LakeException e) {
            return String.valueOf(e.getMessage());
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    private static String said(Lake lake, String sql, Principal principal) {
        return said(lake, sql, principal, ReadPoint.NEWEST);
    }

    @Test
    void aFailingDatasetTellsNoValueOfAnInputThatWhoeverLooksDoesntSee() throws Exception {
        try (Lake lake =
                open(
                        """
                        CREATE STREAMING TABLE silver.people AS
                        SELECT event_id AS id, name, ssn FROM STREAM bronze.people;
                        CREATE MATERIALIZED VIEW gold.numbers AS
                        SELECT CAST(ssn AS INTEGER) AS n FROM silver.people;
                        """,
                        "roles: {}\n")) {
            send(lake, "people", "[{\"name\":\"Ada\",\"ssn\":\"secret222\"}]");
            Supplier<Optional<String>> reason =
                    () ->
                            lake.access().tables(VIEWER).stream()
                                    .filter(t -> t.name().toString().equals("gold.numbers"))
                                    .findFirst()
                                    .flatMap(TableStatus::reason);
            await(() -> reason.get().isPresent());
            assertThat(reason.get())
                    .hasValueSatisfying(text -> assertThat(text).doesNotContain("secret222"));
        }
    }

    @Test
    void aTableWhoseDefinitionIsGoneIsNotShownWithoutThePolicyThatItHad() throws Exception {
        try (Lake lake =
                open(
                        """
                        CREATE STREAMING TABLE silver.people AS
                        SELECT event_id AS id, name, ssn FROM STREAM bronze.people;
                        """,
                        """
                        row-filters:
                          - {table: silver.people, where: name <> 'Bob'}
                        masks:
                          - {column: silver.people.ssn, value: "'***'"}
                        """)) {
            send(
                    lake,
                    "people",
                    "[{\"name\":\"Ada\",\"ssn\":\"111\"},{\"name\":\"Bob\",\"ssn\":\"222\"}]");
            await(() -> said(lake, "SELECT ssn FROM silver.people", SCIENTIST).contains("***"));
        }
        // "give the dataset another name" is what a lake says of a change that it can't take;
        // a policy that still names the old one is refused
        try (Lake lake =
                open(
                        """
                        CREATE STREAMING TABLE silver.persons AS
                        SELECT event_id AS id, name FROM STREAM bronze.people;
                        """,
                        """
                        row-filters:
                          - {table: silver.persons, where: name <> 'Bob'}
                        """)) {
            assertThat(said(lake, "SELECT * FROM silver.people", SCIENTIST))
                    .doesNotContain("111")
                    .doesNotContain("Bob");
            assertThat(said(lake, "SELECT * FROM silver.people FOR SYSTEM_TIME AS OF 1000", VIEWER))
                    .doesNotContain("111");
        }
    }

    @Test
    void aColumnThatWasMaskedIsNotShownOfOlderStatesOnceItIsGone() throws Exception {
        String people =
                """
                CREATE STREAMING TABLE silver.people AS
                SELECT event_id AS id, name, ssn FROM STREAM bronze.people;
                """;
        long seq;
        try (Lake lake =
                open(
                        people
                                + "CREATE MATERIALIZED VIEW gold.people AS SELECT name, ssn FROM"
                                + " silver.people;",
                        "masks:\n  - {column: gold.people.ssn, value: \"'***'\"}\n")) {
            send(lake, "people", "[{\"name\":\"Ada\",\"ssn\":\"111\"}]");
            await(() -> said(lake, "SELECT ssn FROM gold.people", VIEWER).contains("***"));
            seq = seq(lake);
        }
        // the mask has to go, since it names what isn't there any more
        try (Lake lake =
                open(
                        people
                                + "CREATE MATERIALIZED VIEW gold.people AS SELECT name FROM"
                                + " silver.people;",
                        "roles: {}\n")) {
            await(() -> !said(lake, "SELECT * FROM gold.people", VIEWER).contains("ssn"));
            assertThat(said(lake, "SELECT * FROM gold.people FOR SYSTEM_TIME AS OF " + seq, VIEWER))
                    .doesNotContain("111");
        }
    }

    private static long seq(Lake lake) {
        try (RunningQuery query =
                lake.queries().run("SELECT 1", Principal.LAKE, ReadPoint.NEWEST)) {
            return query.seq();
        }
    }

    @Test
    void whatARowFilterLooksUpIsAsItIsTodayWhicheverStateIsRead() throws Exception {
        try (Lake lake =
                open(
                        """
                        CREATE STREAMING TABLE silver.people AS
                        SELECT event_id AS id, name, ssn FROM STREAM bronze.people;
                        CREATE STREAMING TABLE silver.revoked AS
                        SELECT event_id AS id, who FROM STREAM bronze.revoked;
                        """,
                        """
                        row-filters:
                          - {table: silver.people, where: "NOT EXISTS (SELECT 1 FROM silver.revoked AS r WHERE r.who = principal_attribute('name'))"}
                        """)) {
            send(lake, "people", "[{\"name\":\"Ada\",\"ssn\":\"111\"}]");
            String sql = "SELECT ssn FROM silver.people";
            await(() -> said(lake, sql, SCIENTIST).contains("111"));
            long before = seq(lake);
            send(lake, "revoked", "[{\"who\":\"sam\"}]");
            await(() -> !said(lake, sql, SCIENTIST).contains("111"));

            assertThat(said(lake, sql + " FOR SYSTEM_TIME AS OF " + before, SCIENTIST))
                    .doesNotContain("111");
            assertThat(said(lake, sql, SCIENTIST, new ReadPoint.AsOf(before)))
                    .doesNotContain("111");
        }
    }
}
