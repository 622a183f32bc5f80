package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tonle.pipeline.TestLake.event;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.ColumnType.Simple;
import org.tonle.definition.Drift;
import org.tonle.definition.DriftPolicy;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.SeenFields;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.ledger.CommitRequest;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/** Columns that become wider, and events with fields that there is no column for. */
class DriftIT {
    private static final Place PLACE = new Place("sources/sales.yaml", 1, 1);
    private static final String SILVER =
            "CREATE STREAMING TABLE silver.sales AS SELECT event_id AS id, amount, price"
                    + " FROM STREAM bronze.sales";
    private static final String COPY =
            "CREATE STREAMING TABLE silver.copy AS SELECT id, amount, price * 2 AS twice"
                    + " FROM STREAM silver.sales";
    private static final String GOLD =
            "CREATE MATERIALIZED VIEW gold.sales AS SELECT amount, MAX(price) AS most FROM"
                    + " silver.sales GROUP BY amount";
    private static final String ALL =
            "CREATE STREAMING TABLE silver.everything AS SELECT * FROM STREAM bronze.sales";
    private static final long LARGE = 5_000_000_000L;

    @TempDir private Path dir;
    private TestLake lake;

    @BeforeEach
    void start() {
        lake = new TestLake(dir, sales(Simple.INT, decimal(6)));
    }

    @AfterEach
    void stop() {
        lake.close();
    }

    private static ColumnType decimal(int precision) {
        return new ColumnType.Decimal(precision, 2);
    }

    private static SourceDefinition sales(ColumnType amount, ColumnType price) {
        return source(
                DriftPolicy.IGNORE, Map.of("amount", amount, "price", price), "amount", "price");
    }

    private static SourceDefinition source(
            DriftPolicy drift, Map<String, ColumnType> types, String... columns) {
        SourceDefinition plain = SourceDefinition.named("sales");
        List<ColumnDefinition> declared = new ArrayList<>();
        for (String column : columns) {
            declared.add(
                    new ColumnDefinition(
                            column,
                            java.util.Objects.requireNonNull(types.get(column)),
                            JsonPath.field(column),
                            false,
                            PLACE));
        }
        return new SourceDefinition(
                plain.name(),
                PLACE,
                plain.idField(),
                Optional.empty(),
                Optional.empty(),
                declared,
                1,
                plain.retention(),
                plain.kind(),
                drift);
    }

    private static TestLake.Event sale(String id, String amount, String price) {
        return event(id, "{\"amount\":%s,\"price\":%s}".formatted(amount, price));
    }

    private PipelineRunner run(String... statements) throws InterruptedException {
        PipelineRunner runner = lake.run(lake.datasets(statements), "one", FailPoints.NONE);
        lake.settled(runner);
        return runner;
    }

    private List<String> columns(String namespace, String table) {
        return lake
                .catalog
                .pin()
                .table(org.apache.iceberg.catalog.TableIdentifier.of(namespace, table))
                .orElseThrow()
                .schema()
                .columns()
                .stream()
                .map(column -> column.name() + " " + column.type())
                .toList();
    }

    @Test
    void aColumnThatBecomesWiderKeepsTheFilesAndTheRowsThatAreThere() throws Exception {
        PipelineRunner runner = run(SILVER, COPY, GOLD);
        lake.arrive("sales", sale("1", "7", "1.50"), sale("2", "2147483647", "9999.99"));
        lake.arrive("sales", sale("3", "-5", "\"2.25\""), sale("big", "" + LARGE, "3"));
        lake.settled(runner);
        assertThat(lake.rows("SELECT \"rule\" FROM quarantine.silver_sales"))
                .containsExactly("amount");
        runner.stop();
        long before = lake.ledger.head();

        lake.sources = List.of(sales(Simple.BIGINT, decimal(12)));
        runner = run(SILVER, COPY, GOLD);
        lake.arrive("sales", sale("4", "" + LARGE, "1234567.89"), sale("5", "7", "1.50"));
        lake.settled(runner);

        assertThat(columns("silver", "sales"))
                .contains("amount long", "price decimal(12, 2)")
                .hasSize(5);
        assertThat(lake.rows("SELECT id, amount, price FROM silver.sales ORDER BY id"))
                .containsExactly(
                        "1|7|1.50",
                        "2|2147483647|9999.99",
                        "3|-5|2.25",
                        "4|5000000000|1234567.89",
                        "5|7|1.50");
        for (String where :
                List.of(
                        "amount > 2147483647|4",
                        "amount = 7|1,5",
                        "amount IN (7, 5000000000)|1,4,5",
                        "amount < 0|3",
                        "amount BETWEEN -5 AND 2147483647|1,2,3,5",
                        "price > 1000000|4",
                        "price = 1.5|1,5",
                        "price >= 9999.99|2,4")) {
            String[] parts = where.split("\\|", -1);
            assertThat(lake.rows("SELECT id FROM silver.sales WHERE " + parts[0] + " ORDER BY 1"))
                    .as(where)
                    .isEqualTo(List.of(parts[1].split(",", -1)));
        }
        assertThat(lake.rows("SELECT id, amount, twice FROM silver.copy ORDER BY id"))
                .containsExactly(
                        "1|7|3.00",
                        "2|2147483647|19999.98",
                        "3|-5|4.50",
                        "4|5000000000|2469135.78",
                        "5|7|3.00");
        assertThat(lake.rows("SELECT amount, most FROM gold.sales ORDER BY 1"))
                .containsExactly(
                        "-5|2.25", "7|1.50", "2147483647|9999.99", "5000000000|1234567.89");
        assertThat(lake.rowsAt(before, "SELECT SUM(amount), MAX(price) FROM silver.sales"))
                .containsExactly("2147483649|9999.99");

        var unused =
                runner.perform(
                        new DatasetTask.Replay(
                                "silver.sales", Optional.empty(), Optional.empty(), "anna"));
        assertThat(lake.rows("SELECT amount FROM silver.sales WHERE id = 'big'"))
                .containsExactly("5000000000");
        assertThat(lake.rows("SELECT COUNT(*) FROM quarantine.silver_sales")).containsExactly("0");
    }

    @Test
    void aRealThatBecomesDoubleIsReadWithTheDigitsThatItHad() throws Exception {
        String silver =
                "CREATE STREAMING TABLE silver.sales AS SELECT event_id AS id, CAST(amount AS %s)"
                        + " AS amount FROM STREAM bronze.sales";
        lake.sources = List.of(sales(Simple.DOUBLE, decimal(12)));
        PipelineRunner runner = run(silver.formatted("REAL"));
        lake.arrive("sales", sale("1", "0.1", "1"), sale("2", "-1.5", "1"));
        lake.settled(runner);
        runner.stop();
        runner = run(silver.formatted("DOUBLE"));
        lake.arrive("sales", sale("3", "0.1", "1"), sale("4", "1e300", "1"));
        lake.settled(runner);
        assertThat(columns("silver", "sales")).contains("amount double");
        assertThat(lake.rows("SELECT id, amount FROM silver.sales ORDER BY id"))
                .containsExactly("1|0.10000000149011612", "2|-1.5", "3|0.1", "4|1.0E300");
        for (String where :
                List.of(
                        "amount = 0.1E0|3",
                        "amount = CAST(CAST('0.1' AS REAL) AS DOUBLE)|1",
                        "amount > 0.1E0|1,4",
                        "amount <= -1.5E0|2")) {
            String[] parts = where.split("\\|", -1);
            assertThat(lake.rows("SELECT id FROM silver.sales WHERE " + parts[0] + " ORDER BY 1"))
                    .as(where)
                    .isEqualTo(List.of(parts[1].split(",", -1)));
        }
    }

    @Test
    void filesOfBothTypesBecomeOne() throws Exception {
        lake.fanIn = 4;
        PipelineRunner runner = run(SILVER);
        lake.arrive("sales", sale("1", "1", "1"));
        lake.arrive("sales", sale("2", "2", "2"));
        lake.settled(runner);
        runner.stop();
        lake.sources = List.of(sales(Simple.BIGINT, decimal(12)));
        runner = run(SILVER);
        for (int i = 3; i < 12; i++) {
            lake.arrive("sales", sale("" + i, "" + LARGE * i, "" + i));
            lake.settled(runner);
        }
        assertThat(
                        lake.catalog
                                .pin()
                                .table(
                                        org.apache.iceberg.catalog.TableIdentifier.of(
                                                "silver", "sales"))
                                .orElseThrow()
                                .files())
                .hasSizeLessThan(8);
        assertThat(lake.rows("SELECT COUNT(*), SUM(amount), MIN(amount) FROM silver.sales"))
                .containsExactly("11|" + (LARGE * 63 + 3) + "|1");
    }

    @Test
    void whatIsNoWiderTypeIsRefusedWithWhatToDo() throws Exception {
        PipelineRunner runner = run(SILVER);
        runner.stop();
        for (SourceDefinition changed :
                List.of(
                        sales(Simple.DOUBLE, decimal(6)),
                        sales(Simple.STRING, decimal(6)),
                        sales(Simple.INT, decimal(5)),
                        sales(Simple.INT, new ColumnType.Decimal(8, 3)),
                        sales(Simple.INT, Simple.DOUBLE))) {
            lake.sources = List.of(changed);
            PipelineRunner refused =
                    lake.runner(lake.datasets(SILVER), lake.leases("two"), FailPoints.NONE);
            assertThatThrownBy(refused::apply)
                    .isInstanceOf(LakeException.class)
                    .hasMessageContaining("silver.sales can't change like this: its column")
                    .hasMessageContaining("cast the column to what it was");
        }
    }

    /** The lake's events brought what a process that reads them would have noted. */
    private void seen(TestLake.Event event, Map<String, List<String>> values) {
        try (StagedCommit commit = lake.catalog.stage()) {
            StagedTable table = commit.table(TestLake.bronze("sales"), OnConflict.REAPPLY);
            Map<String, String> properties = table.table().properties();
            SeenFields fields = SeenFields.of(properties);
            values.forEach((name, found) -> {
                var known = fields.kinds(name);
                var kinds = known == null ? fields.add(name) : known;
                found.forEach(kinds::text);
            });
            var update = table.transaction().updateProperties();
            fields.missingIn(properties).forEach(update::set);
            update.commit();
            var unused = commit.publish(CommitRequest.builder(commit.id(), "ingest", "test"));
        }
        lake.arrive("sales", event);
    }

    @Test
    void fieldsThatComeByAndByBecomeColumnsOfEveryTableThatTakesThemAll() throws Exception {
        lake.sources = List.of(source(DriftPolicy.EVOLVE, Map.of("id", Simple.BIGINT), "id"));
        PipelineRunner runner = run(ALL);
        lake.arrive("sales", event("1", "{\"id\":1}"));
        lake.settled(runner);
        seen(event("2", "{\"id\":2,\"n\":5}"), Map.of("n", List.of("5")));
        lake.settled(runner);
        seen(
                event(
                        "3",
                        "{\"id\":3,\"n\":%d,\"a.b\":\"x\",\"Payload\":1,\"ID\":7}"
                                .formatted(LARGE)),
                Map.of(
                        "n", List.of("" + LARGE),
                        "a.b", List.of("x"),
                        "Payload", List.of("1"),
                        "ID", List.of("7"),
                        "N", List.of("1")));
        lake.settled(runner);
        assertThat(columns("silver", "everything")).contains("n long", "a.b string");
        assertThat(lake.rows("SELECT id, n, \"a.b\" FROM silver.everything ORDER BY id"))
                .isEqualTo(lake.rows("SELECT id, n, \"a.b\" FROM bronze.sales ORDER BY id"))
                .containsExactly("1|null|null", "2|5|null", "3|5000000000|x");

        // as a text it can be read, and no table of numbers takes it
        seen(event("4", "{\"id\":4,\"n\":\"many\"}"), Map.of("n", List.of("many")));
        assertThat(lake.rows("SELECT n FROM bronze.sales ORDER BY id"))
                .containsExactly("null", "5", "5000000000", "many");
        failing(runner, "its column n was long and would become string");
        runner.stop();
        PipelineRunner again = lake.run(lake.datasets(ALL), "one", FailPoints.NONE);
        failing(again, "its column n was long and would become string");
        again.stop();

        // what is declared is what counts
        lake.sources =
                List.of(
                        source(
                                DriftPolicy.EVOLVE,
                                Map.of("id", Simple.BIGINT, "n", Simple.BIGINT),
                                "id",
                                "n"));
        runner = run(ALL);
        assertThat(lake.rows("SELECT id, n FROM silver.everything ORDER BY id"))
                .containsExactly("1|null", "2|5", "3|5000000000");
        assertThat(lake.rows("SELECT \"rule\" FROM quarantine.silver_everything"))
                .containsExactly("n");
    }

    private static void failing(PipelineRunner runner, String why) throws InterruptedException {
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (runner.status().stream()
                .noneMatch(status -> status.reason().filter(r -> r.contains(why)).isPresent())) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(runner.status());
            }
            Thread.sleep(10);
        }
    }

    @Test
    void anEventThatADatasetCannotFollowKeepsNothingElseFromStarting() throws Exception {
        lake.sources = List.of(source(DriftPolicy.EVOLVE, Map.of("id", Simple.BIGINT), "id"));
        String others =
                "CREATE STREAMING TABLE silver.others AS SELECT id FROM STREAM bronze.sales";
        String judged =
                "CREATE STREAMING TABLE silver.judged (CONSTRAINT fine EXPECT (ok)) AS SELECT id, ok"
                        + " FROM STREAM bronze.sales";
        PipelineRunner runner = run(others);
        seen(event("1", "{\"id\":1,\"ok\":true}"), Map.of("ok", List.of("true")));
        lake.settled(runner);
        runner.stop();
        runner = run(others, judged);
        seen(event("2", "{\"id\":2,\"ok\":\"maybe\"}"), Map.of("ok", List.of("maybe")));
        failing(runner, "condition");
        runner.stop();

        PipelineRunner again = lake.run(lake.datasets(others, judged), "one", FailPoints.NONE);
        failing(again, "condition");
        lake.arrive("sales", event("3", "{\"id\":3}"));
        List<String> rows = List.of();
        for (int i = 0; i < 3_000 && rows.size() < 3; i++) {
            Thread.sleep(10);
            rows = lake.rows("SELECT id FROM silver.others ORDER BY id");
        }
        assertThat(rows).containsExactly("1", "2", "3");
        again.stop();
    }

    @Test
    void aDatasetThatNamesANewColumnGetsItWithoutBeingComputedAnew() throws Exception {
        lake.sources = List.of(source(DriftPolicy.EVOLVE, Map.of("id", Simple.BIGINT), "id"));
        String before = "CREATE STREAMING TABLE silver.sales AS SELECT id FROM STREAM bronze.sales";
        String after = before.replace("SELECT id", "SELECT id, n + 1 AS more");
        PipelineRunner early =
                lake.runner(lake.datasets(after), lake.leases("two"), FailPoints.NONE);
        assertThatThrownBy(early::apply)
                .hasMessageContaining("Column 'n' not found")
                .hasMessageContaining("declare it under columns: of its source");
        PipelineRunner runner = run(before);
        lake.arrive("sales", event("1", "{\"id\":1}"));
        seen(event("2", "{\"id\":2,\"n\":5}"), Map.of("n", List.of("5")));
        lake.settled(runner);
        runner.stop();
        runner = run(after);
        seen(event("3", "{\"id\":3,\"n\":6}"), Map.of("n", List.of("6")));
        lake.settled(runner);
        assertThat(lake.rows("SELECT id, more FROM silver.sales ORDER BY id"))
                .containsExactly("1|null", "2|null", "3|7");
    }

    @Test
    void eventsWithOtherFieldsAreRefusedUntilThereAreColumnsForThem() throws Exception {
        lake.sources =
                List.of(source(DriftPolicy.QUARANTINE, Map.of("amount", Simple.INT), "amount"));
        String silver =
                "CREATE STREAMING TABLE silver.sales AS SELECT event_id AS id, amount"
                        + " FROM STREAM bronze.sales";
        PipelineRunner runner = run(silver);
        lake.arrive(
                "sales",
                event("1", "{\"event_id\":\"1\",\"amount\":1}"),
                event("2", "{\"amount\":2,\"new\":\"x\"}"),
                event("3", "{\"amount\":3,\"new\":null}"),
                event("4", "{\"amount\":4,\"a/b~'\\\"\\u00e9\":{\"amount\":1}}"),
                event("5", "{\"amount\":5,\"\":[1]}"),
                event("6", "{\"amount\":6,\"Amount\":1.5}"),
                event("7", "{\"amount\":\"x\",\"new\":true}"),
                event("8", "[1]"));
        lake.settled(runner);
        assertThat(lake.rows("SELECT id FROM silver.sales ORDER BY 1"))
                .isEqualTo(List.of("1", "3"));
        assertThat(
                        lake.rows(
                                "SELECT \"key\", \"rule\", message FROM quarantine.silver_sales ORDER BY 1"))
                .containsExactly(
                        "2|drift|the field new, a text, has no column",
                        "4|drift|the field a/b~'\"é, an object, has no column",
                        "5|drift|the field , an array, has no column",
                        "6|drift|the field Amount, a number, has no column",
                        "7|amount|amount is x, which is no int",
                        "8|payload|the payload is no JSON object");
        runner.stop();

        lake.sources =
                List.of(
                        source(
                                DriftPolicy.QUARANTINE,
                                Map.of("amount", Simple.INT, "new", Simple.STRING),
                                "amount",
                                "new"));
        runner = run(silver.replace("amount FROM", "amount, \"new\" FROM"));
        assertThat(
                        runner.perform(
                                        new DatasetTask.Replay(
                                                "silver.sales",
                                                Optional.of("rule = 'drift'"),
                                                Optional.empty(),
                                                "anna"))
                                .written())
                .isEqualTo(1);
        assertThat(lake.rows("SELECT id, \"new\" FROM silver.sales ORDER BY id"))
                .containsExactly("1|null", "2|x", "3|null");
    }

    @Test
    void aTableOfChangesFollowsWiderKeysAndNewColumns() throws Exception {
        lake.close();
        lake = new TestLake(dir.resolve("bank"), bank(Simple.INT, DriftPolicy.EVOLVE));
        String current = "AUTO CDC INTO silver.account FROM STREAM bronze.bank_account KEYS (id)";
        String history =
                "AUTO CDC INTO silver.history FROM STREAM bronze.bank_account KEYS (id)"
                        + " STORED AS SCD TYPE 2";
        PipelineRunner runner = run(current, history);
        Map<Long, String> model = new HashMap<>();
        changes(model, "c1=a", "c2=b", "d3=");
        lake.settled(runner);
        runner.stop();
        lake.sources = List.of(bank(Simple.BIGINT, DriftPolicy.EVOLVE));
        runner = run(current, history);
        changes(model, "u1=x", "c" + LARGE + "=large", "d2=");
        lake.settled(runner);
        changes(model, "d" + LARGE + "=", "c3=late", "u1=y");
        lake.settled(runner);
        assertThat(lake.rows("SELECT id, name FROM silver.account ORDER BY id"))
                .isEqualTo(
                        model.entrySet().stream()
                                .sorted(Map.Entry.comparingByKey())
                                .map(row -> row.getKey() + "|" + row.getValue())
                                .toList())
                .containsExactly("1|y", "3|late");
        assertThat(columns("silver", "account")).contains("id long");
        assertThat(
                        lake.rows(
                                "SELECT id, name FROM silver.history WHERE __end_at IS NULL ORDER BY 1"))
                .containsExactly("1|y", "3|late");
        assertThat(lake.rows("SELECT name FROM silver.history WHERE id = 1 ORDER BY __start_at"))
                .containsExactly("a", "x", "y");

        // a delete that no row shows holds against what comes late
        long late = ++sequence;
        changes(model, "d" + (LARGE + 1) + "=");
        lake.settled(runner);
        sequence = late - 1;
        changes(new HashMap<>(), "c" + (LARGE + 1) + "=gone");
        sequence = late + 1;
        lake.settled(runner);
        assertThat(lake.rows("SELECT id FROM silver.account ORDER BY id"))
                .isEqualTo(List.of("1", "3"));
        assertThat(columns("deleted", "silver_account")).contains("id long");

        changes(model, "u1=z,city");
        properties("bank_account", "city", "Rome");
        changes(model, "u1=w,city");
        lake.settled(runner);
        assertThat(lake.rows("SELECT id, name, city FROM silver.account ORDER BY id"))
                .containsExactly("1|w|Rome", "3|late|null");
    }

    @Test
    void changesWithOtherFieldsAreRefusedWhereNoneAreWanted() throws Exception {
        lake.close();
        lake = new TestLake(dir.resolve("bank"), bank(Simple.INT, DriftPolicy.QUARANTINE));
        PipelineRunner runner =
                run("AUTO CDC INTO silver.account FROM STREAM bronze.bank_account KEYS (id)");
        changes(new HashMap<>(), "c1=a", "c2=b,city", "u1=x");
        lake.settled(runner);
        assertThat(lake.rows("SELECT id, name FROM silver.account")).containsExactly("1|x");
        assertThat(lake.rows("SELECT \"rule\", message FROM quarantine.silver_account"))
                .containsExactly("drift|the field city, a text, has no column");
    }

    private void properties(String bronze, String field, String value) {
        try (StagedCommit commit = lake.catalog.stage()) {
            StagedTable table = commit.table(TestLake.bronze(bronze), OnConflict.REAPPLY);
            SeenFields fields = SeenFields.of(Map.of());
            fields.add(field).text(value);
            var update = table.transaction().updateProperties();
            fields.missingIn(Map.of()).forEach(update::set);
            update.commit();
            var unused = commit.publish(CommitRequest.builder(commit.id(), "ingest", "test"));
        }
    }

    private long sequence;

    private void changes(Map<Long, String> model, String... changes) {
        List<TestLake.Event> events = new ArrayList<>();
        for (String change : changes) {
            int is = change.indexOf('=');
            String op = change.substring(0, 1);
            long id = Long.parseLong(change.substring(1, is));
            String[] name = change.substring(is + 1).split(",", -1);
            if (op.equals("d")) {
                model.remove(id);
            } else {
                model.put(id, name[0]);
            }
            String seq = "%08d".formatted(++sequence);
            events.add(
                    event(
                            seq,
                            "{\"op\":\"%s\",\"seq\":\"%s\",\"row\":{\"id\":%d,\"name\":\"%s\"%s}}"
                                    .formatted(
                                            op,
                                            seq,
                                            id,
                                            name[0],
                                            name.length > 1 ? ",\"city\":\"Rome\"" : "")));
        }
        lake.arrive("bank", Map.of("bank_account", events));
    }

    private static SourceDefinition bank(ColumnType id, DriftPolicy drift) {
        List<JsonPath.Step> under = List.of(new JsonPath.Field("row"));
        BronzeDefinition table =
                new BronzeDefinition(
                        "bank_account",
                        Optional.of("public.account"),
                        List.of(
                                column("id", id, "$.row.id"),
                                column("name", Simple.STRING, "$.row.name"),
                                column("_op", Simple.STRING, "$.op"),
                                column("_seq", Simple.STRING, "$.seq"),
                                column("_at", Simple.TIMESTAMPTZ, "$.at"),
                                column("_unchanged", Simple.STRING, "$.unchanged")),
                        Optional.empty(),
                        new Drift(drift, under, Set.of()));
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
                        List.of(table)),
                drift);
    }

    private static ColumnDefinition column(String name, ColumnType type, String path) {
        return new ColumnDefinition(name, type, JsonPath.parse(path), false, PLACE);
    }
}
