package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.ChangeRange;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.ColumnType.Simple;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.pipeline.TestLake.Event;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.sql.Dataset;

/** Change tables that follow a database. */
class ChangesRunIT {
    private static final Place PLACE = new Place("sources/bank.yaml", 1, 1);
    private static final int ACCOUNTS = 8;
    private static final String GIRO =
            "AUTO CDC INTO silver.giro FROM STREAM bronze.bank_giro KEYS (id)";
    private static final String SAVINGS =
            "AUTO CDC INTO silver.savings FROM STREAM bronze.bank_savings KEYS (id)";
    private static final String HISTORY =
            "AUTO CDC INTO silver.history FROM STREAM bronze.bank_giro KEYS (id) STORED AS SCD TYPE"
                    + " 2";
    private static final String TOTAL =
            "CREATE MATERIALIZED VIEW gold.total AS SELECT SUM(b.amount) AS amount FROM (SELECT"
                    + " amount FROM silver.giro UNION ALL SELECT amount FROM silver.savings) AS b";

    @TempDir private Path dir;
    private TestLake lake;
    private long sequence;

    /** What both tables hold, by account. */
    private final Map<String, Map<Integer, Long>> model =
            Map.of("bank_giro", new TreeMap<>(), "bank_savings", new TreeMap<>());

    @BeforeEach
    void open() throws Exception {
        lake = new TestLake(Files.createDirectory(dir.resolve("lake")), bank());
    }

    @AfterEach
    void close() {
        lake.close();
    }

    private static SourceDefinition bank() {
        SourceDefinition plain = SourceDefinition.named("bank");
        return new SourceDefinition(
                "bank",
                PLACE,
                "seq",
                Optional.empty(),
                Optional.empty(),
                List.of(),
                1,
                plain.retention(),
                new SourceKind.Postgres(
                        "localhost",
                        5432,
                        "bank",
                        "tonle",
                        Optional.empty(),
                        Map.of(),
                        "slot",
                        "publication",
                        1L << 30,
                        List.of(table("giro"), table("savings"))));
    }

    private static BronzeDefinition table(String name) {
        return new BronzeDefinition(
                "bank_" + name,
                Optional.of("public." + name),
                List.of(
                        column("id", Simple.BIGINT, "$.row.id"),
                        column("amount", Simple.BIGINT, "$.row.amount"),
                        column("_op", Simple.STRING, "$.op"),
                        column("_seq", Simple.STRING, "$.seq"),
                        column("_at", Simple.TIMESTAMPTZ, "$.at"),
                        column("_unchanged", Simple.STRING, "$.unchanged")),
                Optional.empty());
    }

    private static ColumnDefinition column(String name, ColumnType type, String path) {
        return new ColumnDefinition(name, type, JsonPath.parse(path), false, PLACE);
    }

    private Event change(String op, int account, long amount) {
        String seq = "%08d".formatted(++sequence);
        return TestLake.event(
                seq,
                "{\"table\":\"public.x\",\"op\":\"%s\",\"seq\":\"%s\",\"row\":{\"id\":%d,\"amount\":%d}}"
                        .formatted(op, seq, account, amount));
    }

    /** Moves an amount between the tables: one transaction, many changes, the sum stays. */
    private Map<String, List<Event>> transfer(Random random) {
        Map<String, List<Event>> events = new HashMap<>();
        long moved = 0;
        for (String table : List.of("bank_giro", "bank_savings")) {
            List<Event> changes = new ArrayList<>();
            Map<Integer, Long> rows = model.get(table);
            boolean last = table.equals("bank_savings");
            for (int i = random.nextInt(3); i >= 0; i--) {
                int account = random.nextInt(ACCOUNTS);
                long before = rows.getOrDefault(account, 0L);
                if (random.nextInt(4) == 0 && rows.containsKey(account)) {
                    changes.add(change("d", account, before));
                    rows.remove(account);
                    moved += before;
                } else {
                    long amount = random.nextInt(1000);
                    changes.add(
                            change(
                                    rows.containsKey(account) ? "u" : "c",
                                    account,
                                    before + amount));
                    rows.put(account, before + amount);
                    moved -= amount;
                }
            }
            if (last && moved != 0) {
                long before = rows.getOrDefault(0, 0L);
                changes.add(change(rows.containsKey(0) ? "u" : "c", 0, before + moved));
                rows.put(0, before + moved);
            }
            events.put(table, changes);
        }
        return events;
    }

    private static List<String> rows(Map<Integer, Long> model) {
        return model.entrySet().stream().map(row -> row.getKey() + "|" + row.getValue()).toList();
    }

    private void assertWhole() {
        assertThat(lake.rows("SELECT id, amount FROM silver.giro ORDER BY id"))
                .isEqualTo(rows(model.get("bank_giro")));
        assertThat(lake.rows("SELECT id, amount FROM silver.savings ORDER BY id"))
                .isEqualTo(rows(model.get("bank_savings")));
    }

    @Test
    void whatATransactionChangedIsSeenAtOnceWhateverFails() throws Exception {
        Random random = new Random(1);
        AtomicInteger reached = new AtomicInteger();
        FailPoints often =
                point -> {
                    if (reached.incrementAndGet() % 7 == 0) {
                        throw new LakeException(ErrorCode.STORAGE, "at " + point);
                    }
                };
        lake.arrive("bank", transfer(random));
        List<Dataset> datasets = lake.datasets(GIRO, SAVINGS, HISTORY, TOTAL);
        PipelineRunner runner = lake.run(datasets, "a", often);
        long first = lake.ledger.head();
        for (int i = 0; i < 25; i++) {
            lake.arrive("bank", transfer(random));
            if (i % 6 == 0) {
                lake.settled(runner);
            }
        }
        lake.settled(runner);
        assertWhole();
        for (long seq = first; seq <= lake.ledger.head(); seq++) {
            assertThat(
                            lake.rowsAt(
                                    seq,
                                    "SELECT COALESCE(SUM(amount), 0) AS s FROM (SELECT amount FROM"
                                            + " silver.giro UNION ALL SELECT amount FROM"
                                            + " silver.savings) AS b"))
                    .as("as of %d", seq)
                    .containsExactly("0");
        }
        assertThat(lake.rows("SELECT amount FROM gold.total")).containsExactly("0");
        assertThat(
                        lake.rows(
                                "SELECT id, amount FROM silver.history WHERE \"__end_at\" IS NULL"
                                        + " ORDER BY id"))
                .isEqualTo(rows(model.get("bank_giro")));
    }

    @Test
    void aTableThatIsNewComesUpToTheOthers() throws Exception {
        Random random = new Random(2);
        lake.arrive("bank", transfer(random));
        PipelineRunner one = lake.run(lake.datasets(GIRO), "a", FailPoints.NONE);
        for (int i = 0; i < 5; i++) {
            lake.arrive("bank", transfer(random));
            lake.settled(one);
        }
        one.close();
        PipelineRunner both = lake.run(lake.datasets(GIRO, SAVINGS), "a", FailPoints.NONE);
        lake.settled(both);
        assertWhole();
        lake.arrive("bank", transfer(random));
        lake.settled(both);
        assertWhole();
        assertThat(
                        Map.copyOf(lake.ledger.datasetPositions("silver.giro")).values().stream()
                                .toList())
                .isEqualTo(
                        Map.copyOf(lake.ledger.datasetPositions("silver.savings")).values().stream()
                                .toList());
    }

    @Test
    void aTruncationTakesAllRowsAndWhatComesAfterStays() throws Exception {
        lake.arrive("bank", Map.of("bank_giro", List.of(change("c", 1, 10), change("c", 2, 20))));
        PipelineRunner runner = lake.run(lake.datasets(GIRO, HISTORY), "a", FailPoints.NONE);
        lake.settled(runner);
        long before = lake.ledger.head();
        String seq = "%08d".formatted(++sequence);
        Event truncate = TestLake.event(seq, "{\"op\":\"t\",\"seq\":\"%s\"}".formatted(seq));
        lake.arrive("bank", Map.of("bank_giro", List.of(truncate, change("c", 2, 30))));
        lake.settled(runner);
        assertThat(lake.rows("SELECT id, amount FROM silver.giro")).containsExactly("2|30");
        assertThat(lake.rows("SELECT COUNT(*) AS n FROM silver.giro")).containsExactly("1");
        assertThat(lake.rowsAt(before, "SELECT id, amount FROM silver.giro ORDER BY id"))
                .containsExactly("1|10", "2|20");
        assertThat(
                        lake.rows(
                                "SELECT id, amount, \"__end_at\" IS NULL AS holds FROM"
                                        + " silver.history ORDER BY id, \"__start_at\""))
                .containsExactly("1|10|false", "2|20|false", "2|30|true");
    }

    @Test
    void aTableThatIsComputedAnewPartByPartIsAsItWas() throws Exception {
        Random random = new Random(3);
        lake.batch = new ChangeRange.Limit(Long.MAX_VALUE, Long.MAX_VALUE, 2);
        PipelineRunner runner =
                lake.run(lake.datasets(GIRO, SAVINGS, HISTORY), "a", FailPoints.NONE);
        for (int i = 0; i < 9; i++) {
            lake.arrive("bank", transfer(random));
        }
        lake.settled(runner);
        String versions =
                "SELECT id, amount, \"__start_at\", \"__end_at\" FROM silver.history ORDER BY 1, 3";
        List<String> before = lake.rows(versions);

        TaskResult giro = runner.perform(refresh("silver.giro"));
        runner.perform(refresh("silver.history"));

        assertThat(giro.written()).isEqualTo(model.get("bank_giro").size());
        assertWhole();
        assertThat(lake.rows(versions)).isEqualTo(before);
        for (int i = 0; i < 3; i++) {
            lake.arrive("bank", transfer(random));
        }
        lake.settled(runner);
        assertWhole();
    }

    private static DatasetTask refresh(String dataset) {
        return new DatasetTask.Refresh(dataset, Optional.empty(), false, "anna");
    }

    @Test
    void keysAndTypeOfATableStayWhatTheyWere() throws Exception {
        lake.run(lake.datasets(GIRO), "a", FailPoints.NONE).close();
        for (String changed :
                List.of(GIRO.replace("(id)", "(amount)"), GIRO + " STORED AS SCD TYPE 2")) {
            assertThatThrownBy(() -> lake.run(lake.datasets(changed), "a", FailPoints.NONE))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.INCOMPATIBLE_CHANGE));
        }
        assertThatThrownBy(() ->
                        lake.datasets(
                                GIRO,
                                "CREATE STREAMING TABLE silver.no AS SELECT id FROM STREAM"
                                        + " silver.giro"))
                .hasMessageContaining("silver.giro is no stream");
    }
}
