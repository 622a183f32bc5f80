package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.query.RunningQuery;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/** What a lake refused, taken back by those who may. */
class LakeQuarantineIT {
    private static final Principal ENGINEER =
            new Principal("anna", Set.of(Principal.DATA_ENGINEER), Map.of());

    @TempDir private Path folder;

    private void define(int most, String policy) throws Exception {
        Files.writeString(
                folder.resolve("lake.yaml"),
                "name: test\ningest: {commit-interval: 1s}\nrefresh-interval: 100ms\n");
        for (String name : new String[] {"sources", "pipelines", "policies"}) {
            Files.createDirectories(folder.resolve(name));
        }
        Files.writeString(
                folder.resolve("sources/orders.yaml"),
                "kind: http\nid: id\ncolumns:\n  amount: {type: int, required: true}\n");
        Files.writeString(
                folder.resolve("pipelines/orders.sql"),
                """
                CREATE STREAMING TABLE silver.orders (
                  CONSTRAINT small EXPECT (amount < %d) ON VIOLATION DROP ROW
                ) AS SELECT event_id AS id, amount FROM STREAM bronze.orders;
                CREATE STREAMING TABLE silver.copy AS SELECT id, amount FROM STREAM silver.orders;
                """
                        .formatted(most));
        Files.writeString(folder.resolve("policies/p.yaml"), policy);
    }

    private static void arrive(Lake lake, String... events) throws InterruptedException {
        lake.ingest(
                "orders",
                String.join("\n", events).getBytes(StandardCharsets.UTF_8),
                "application/x-ndjson",
                Optional.empty(),
                Map.of());
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (lake.tables().getFirst().rows() != events.length
                || lake.tables().stream().anyMatch(table -> table.lag() > 0)) {
            assertThat(System.nanoTime()).as("%s", lake.tables()).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    private static String text(Lake lake, String sql) {
        try (RunningQuery rows = lake.query(sql, Principal.LAKE)) {
            return String.valueOf(rows.texts().getFirst()[0]);
        }
    }

    private static Optional<String> reason(Lake lake) {
        return lake.tables().stream()
                .filter(table -> table.name().toString().equals("silver.orders"))
                .findFirst()
                .orElseThrow()
                .reason();
    }

    @Test
    void refusedRowsAreListedShownMendedAndJudgedAnew() throws Exception {
        define(10, "users: {}\n");
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            arrive(
                    lake,
                    "{\"id\":\"a\",\"amount\":\"N/A\"}",
                    "{\"id\":\"b\",\"amount\":5}",
                    "{\"id\":\"c\",\"amount\":50}");
            LakeQuarantine quarantine = lake.quarantine();
            assertThat(quarantine.rules(ENGINEER))
                    .contains("\"dataset\":\"silver.orders\"", "\"rule\":\"amount\"", "\"rows\":1")
                    .contains("\"rule\":\"small\"");
            assertThat(quarantine.rows("silver.orders", Optional.of("rule = 'small'"), 9, ENGINEER))
                    .contains("\"key\":\"c\"")
                    .doesNotContain("\"key\":\"a\"");

            LakeQuarantine.Judged judged =
                    quarantine.replay(
                            "silver.orders",
                            Optional.empty(),
                            Optional.of("REPLACE(payload, '\"N/A\"', '0')"),
                            ENGINEER);

            assertThat(judged.written()).isEqualTo(1);
            assertThat(judged.quarantined()).isEqualTo(1);
            assertThat(
                            text(
                                    lake,
                                    "SELECT principal || ' ' || JSON_VALUE(summary, '$.fix') FROM"
                                            + " system.commits WHERE kind = 'replay'"))
                    .isEqualTo("anna REPLACE(payload, '\"N/A\"', '0')");
            for (String wrong : new String[] {"no_column = 1", "amount", "true) OR (true"}) {
                assertThatThrownBy(() ->
                                quarantine.replay(
                                        "silver.orders",
                                        Optional.of(wrong),
                                        Optional.empty(),
                                        ENGINEER))
                        .isInstanceOfSatisfying(
                                LakeException.class,
                                e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_SQL));
            }
            assertThatThrownBy(() ->
                            quarantine.refresh("silver.nosuch", Optional.empty(), false, ENGINEER))
                    .hasMessageContaining("There is no dataset silver.nosuch");
            assertThat(stale(quarantine, "2100-01-01T00:00:00Z"))
                    .as("where no row left, they go on by themselves")
                    .isEmpty();
            assertThat(stale(quarantine, "2000-01-01T00:00:00Z")).containsExactly("silver.copy");
        }
        define(3, "users: {}\n");
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
            while (reason(lake).isEmpty()) {
                assertThat(System.nanoTime()).as("%s", lake.tables()).isLessThan(deadline);
                Thread.sleep(20);
            }
            assertThat(reason(lake).orElseThrow()).contains("tonle refresh silver.orders");
            assertThat(
                            text(
                                    lake,
                                    "SELECT reason FROM system.datasets WHERE name = 'silver.orders'"))
                    .contains("tonle refresh silver.orders");
            assertThat(
                            lake.quarantine()
                                    .refresh("silver.orders", Optional.empty(), false, ENGINEER)
                                    .stale())
                    .containsExactly("silver.copy");
            assertThat(reason(lake)).isEmpty();
            assertThat(
                            lake.quarantine()
                                    .refresh("silver.orders", Optional.empty(), true, ENGINEER)
                                    .refreshed())
                    .extracting(LakeQuarantine.Judged::dataset)
                    .containsExactly("silver.orders", "silver.copy");
            LakeQuarantine.Refresh later =
                    lake.quarantine()
                            .refresh(
                                    "silver.orders",
                                    Optional.of(Instant.parse("2100-01-01T00:00:00Z")),
                                    true,
                                    ENGINEER);
            assertThat(later.refreshed())
                    .as("nothing was taken in then")
                    .allMatch(judged -> judged.read() == 0)
                    .hasSize(2);
            assertThat(later.following()).isEmpty();
            assertThat(rowsOfBoth(lake)).isEqualTo("0 0");
            String audited =
                    "SELECT CAST(COUNT(*) AS VARCHAR) FROM system.audit WHERE statement LIKE"
                            + " 'REFRESH silver.orders%' AND outcome = 'FINISHED'";
            // records follow within a moment
            while (!text(lake, audited).equals("5")) {
                assertThat(System.nanoTime()).as("%s", text(lake, audited)).isLessThan(deadline);
                Thread.sleep(20);
            }
        }
    }

    private static List<String> stale(LakeQuarantine quarantine, String from) {
        return quarantine
                .refresh("silver.orders", Optional.of(Instant.parse(from)), false, ENGINEER)
                .stale();
    }

    private static String rowsOfBoth(Lake lake) {
        return text(
                lake,
                "SELECT CAST((SELECT COUNT(*) FROM silver.orders) AS VARCHAR) || ' ' ||"
                        + " CAST((SELECT COUNT(*) FROM silver.copy) AS VARCHAR)");
    }

    @Test
    void rowsThatAreLargeTogetherAreNotHeldInMemory() throws Exception {
        define(10, "users: {}\n");
        String large =
                "{\"id\":\"%s\",\"amount\":\"N/A\",\"more\":\"" + "x".repeat(6 << 20) + "\"}";
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            arrive(lake, large.formatted("a"), large.formatted("b"), large.formatted("c"));
            LakeQuarantine quarantine = lake.quarantine();

            assertThatThrownBy(
                            () -> quarantine.rows("silver.orders", Optional.empty(), 9, ENGINEER))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.TOO_LARGE))
                    .hasMessageContaining("ask for fewer");
            assertThat(quarantine.rows("silver.orders", Optional.empty(), 1, ENGINEER))
                    .hasSizeGreaterThan(6 << 20);
        }
    }

    @Test
    void whoDoesNotSeeAllOfAQuarantineReplaysNoneOfIt() throws Exception {
        define(
                10,
                "row-filters:\n  - {table: quarantine.silver_orders, where: \"rule <> 'amount'\"}\n");
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            arrive(lake, "{\"id\":\"a\",\"amount\":\"secret\"}");
            assertThatThrownBy(() ->
                            lake.quarantine()
                                    .replay(
                                            "silver.orders",
                                            Optional.of("payload LIKE '%secret%'"),
                                            Optional.empty(),
                                            ENGINEER))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.FORBIDDEN));
            assertThat(lake.quarantine().rules(ENGINEER).strip()).isEqualTo("[]");
        }
    }
}
