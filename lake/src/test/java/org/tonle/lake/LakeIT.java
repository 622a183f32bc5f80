package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.DefinitionException;
import org.tonle.ingest.IngestReceipt;
import org.tonle.query.ColumnLineage;
import org.tonle.query.RowFormat;
import org.tonle.query.RunningQuery;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/** The whole lake in this process: folder in, answers out. */
class LakeIT {
    @TempDir private Path folder;

    @BeforeEach
    void define() throws IOException {
        Files.writeString(
                folder.resolve("lake.yaml"),
                "name: test\ningest: {commit-interval: 1s}\nrefresh-interval: 100ms\n");
        Files.createDirectories(folder.resolve("sources"));
        Files.createDirectories(folder.resolve("pipelines"));
        Files.writeString(
                folder.resolve("sources/orders.yaml"),
                """
                kind: http
                id: id
                columns:
                  customer: {type: string, path: $.customer.name, required: true}
                  amount: {type: "decimal(10,2)", required: true}
                  note: string
                """);
        Files.writeString(
                folder.resolve("pipelines/orders.sql"),
                """
                CREATE STREAMING TABLE silver.orders (
                  CONSTRAINT positive EXPECT (amount > 0) ON VIOLATION DROP ROW
                ) AS SELECT event_id AS id, customer, amount, note FROM STREAM bronze.orders;
                CREATE MATERIALIZED VIEW gold.customer AS
                SELECT customer, COUNT(*) AS orders, SUM(amount) AS total
                FROM silver.orders GROUP BY customer;
                """);
    }

    private static IngestReceipt send(Lake lake, String key, String body) {
        return lake.ingest(
                "orders",
                body.getBytes(StandardCharsets.UTF_8),
                "application/x-ndjson",
                Optional.of(key),
                Map.of());
    }

    private static String rows(Lake lake, String sql) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (RunningQuery query = lake.query(sql, Principal.LAKE)) {
            query.writeTo(out, RowFormat.NDJSON);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    private static void settled(Lake lake) throws InterruptedException {
        await(
                lake,
                () ->
                        lake.tables().stream()
                                .allMatch(table ->
                                        table.lag() == 0
                                                && table.state() == TableStatus.State.RUNNING));
    }

    private static void await(Lake lake, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("%s", lake.tables()).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    @Test
    void theLakeTellsWhereItsColumnsComeFrom() {
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            ColumnLineage amount = lake.lineage("Silver.orders.AMOUNT", Principal.LAKE);
            assertThat(amount.column()).isEqualTo("silver.orders.amount");
            assertThat(amount.upstream())
                    .containsExactly(
                            new ColumnLineage.Step(
                                    "bronze.orders.amount", ColumnLineage.Via.VALUE, List.of()));
            assertThat(amount.downstream())
                    .containsExactly(
                            new ColumnLineage.Step(
                                    "gold.customer.total", ColumnLineage.Via.VALUE, List.of()));
            assertThat(lake.lineage("bronze.orders.customer", Principal.LAKE).downstream())
                    .containsExactly(
                            new ColumnLineage.Step(
                                    "silver.orders.customer",
                                    ColumnLineage.Via.VALUE,
                                    List.of(
                                            new ColumnLineage.Step(
                                                    "gold.customer.customer",
                                                    ColumnLineage.Via.VALUE,
                                                    List.of()))));
            assertThatThrownBy(() -> lake.lineage("silver.orders.nosuch", Principal.LAKE))
                    .hasMessageStartingWith("There is no column silver.orders.nosuch;");
            assertThat(rows(lake, "SELECT name, kind, state FROM system.sources"))
                    .isEqualTo("{\"name\":\"orders\",\"kind\":\"http\",\"state\":\"running\"}\n");
            assertThat(rows(lake, "SELECT name, kind FROM system.datasets ORDER BY name"))
                    .contains("gold.customer")
                    .contains("silver.orders");
        }
    }

    @Test
    void runsAreToldToAFileInOpenLineagesFormAndAllOfThemBeforeTheLakeIsClosed() throws Exception {
        Files.writeString(
                folder.resolve("lake.yaml"),
                "lineage: {file: lineage.ndjson}\n",
                StandardOpenOption.APPEND);
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            send(lake, "k", "{\"id\":1,\"customer\":{\"name\":\"Zoë\"},\"amount\":12.50}");
            settled(lake);
            assertThat(lake.lineageEvents().orElseThrow().dropped()).isZero();
        }
        List<String> lines = Files.readAllLines(folder.resolve("lineage.ndjson"));
        for (String dataset : List.of("silver.orders", "gold.customer")) {
            List<String> told =
                    lines.stream()
                            .filter(line ->
                                    line.contains(
                                            "\"job\":{\"namespace\":\"tonle://test\",\"name\":\""
                                                    + dataset
                                                    + "\""))
                            .toList();
            assertThat(told.get(told.size() - 2)).contains("\"eventType\":\"START\"");
            assertThat(told.getLast())
                    .contains("\"eventType\":\"COMPLETE\"")
                    .contains("\"columnLineage\"")
                    .contains("\"datasetVersion\"");
        }
    }

    @Test
    void eventsBecomeAnswersAndStayThereWhenTheLakeIsOpenedAgain() throws Exception {
        String body =
                """
                {"id":1,"customer":{"name":"Zoë"},"amount":12.50,"note":"a \\"quoted\\" word"}
                {"id":2,"customer":{"name":"Zoë"},"amount":"7.25"}
                {"id":3,"customer":{"name":"名前"},"amount":-1}
                {"id":4,"customer":"none","amount":1}
                """;
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            IngestReceipt first = send(lake, "k1", body);
            assertThat(first.accepted()).isEqualTo(4);
            IngestReceipt again = send(lake, "k1", body);
            assertThat(again.position()).isEqualTo(first.position());
            settled(lake);
            assertThat(
                            rows(
                                    lake,
                                    "SELECT id, customer, amount, note FROM silver.orders ORDER BY id"))
                    .isEqualTo(
                            """
                            {"id":"1","customer":"Zoë","amount":"12.50","note":"a \\"quoted\\" word"}
                            {"id":"2","customer":"Zoë","amount":"7.25","note":null}
                            """);
            assertThatThrownBy(() -> Lake.open(folder, LakeOptions.ofProcess()))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.IN_USE))
                    .hasMessageContaining("process " + ProcessHandle.current().pid());
        }
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            assertThat(send(lake, "k1", body).accepted()).isEqualTo(4);
            send(lake, "k2", "{\"id\":5,\"customer\":{\"name\":\"Zoë\"},\"amount\":1}");
            settled(lake);
            assertThat(rows(lake, "SELECT COUNT(*) AS n FROM bronze.orders"))
                    .isEqualTo("{\"n\":5}\n");
            assertThat(rows(lake, "SELECT * FROM gold.customer"))
                    .isEqualTo("{\"customer\":\"Zoë\",\"orders\":3,\"total\":\"20.75\"}\n");
            assertThat(rows(lake, "SELECT \"key\", rule FROM quarantine.silver_orders ORDER BY 1"))
                    .isEqualTo(
                            """
                            {"key":"3","rule":"positive"}
                            {"key":"4","rule":"customer"}
                            """);
            assertThat(lake.tables())
                    .filteredOn(table -> table.name().toString().equals("silver.orders"))
                    .singleElement()
                    .satisfies(table -> {
                        assertThat(table.quarantined()).isEqualTo(2);
                        assertThat(table.expectations())
                                .singleElement()
                                .satisfies(expectation -> {
                                    assertThat(expectation.name()).isEqualTo("positive");
                                    assertThat(expectation.passed()).isEqualTo(3);
                                    assertThat(expectation.failed()).isEqualTo(1);
                                });
                    });
        }
    }

    @Test
    void aLakeThatWasNeverSeenBeforeRunsTheSameWay() throws Exception {
        Files.writeString(
                folder.resolve("sources/messungen.yaml"),
                """
                kind: http
                id: mess_id
                event-time: zeit
                key: gerät
                columns:
                  gerät: {type: string, path: "$.gerät.seriennummer", required: true}
                  wert: {type: "decimal(18,6)", path: "$.werte[0].betrag"}
                  zeit: timestamptz
                  aktiv: boolean
                  "größe": double
                """);
        Files.writeString(
                folder.resolve("pipelines/messungen.sql"),
                """
                CREATE STREAMING TABLE silver.messungen AS
                SELECT event_id, gerät, wert, zeit, aktiv, "größe" FROM STREAM bronze.messungen;
                CREATE MATERIALIZED VIEW gold.beides AS
                SELECT m.gerät, m.wert, o.amount
                FROM silver.messungen AS m LEFT JOIN silver.orders AS o ON o.customer = m.gerät;
                """);
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            lake.ingest(
                    "messungen",
                    """
                    [{"mess_id":"a","gerät":{"seriennummer":"Ω-1"},"werte":[{"betrag":"0.000001"}],
                      "zeit":"2026-03-01T12:00:00+02:00","aktiv":true,"größe":1e3},
                     {"mess_id":"b","gerät":{"seriennummer":"Ω-2"},"werte":[],"zeit":null},
                     {"mess_id":"c","gerät":{"seriennummer":"Ω-1"},"werte":[{"betrag":7}]},
                     {"mess_id":"d","gerät":{"seriennummer":"Ω-3"},"werte":[{"betrag":"1.0000001"}]}]
                    """
                            .getBytes(StandardCharsets.UTF_8),
                    "application/json",
                    Optional.empty(),
                    Map.of());
            send(lake, "k", "{\"id\":1,\"customer\":{\"name\":\"Ω-1\"},\"amount\":12.50}");
            settled(lake);
            assertThat(
                            rows(
                                    lake,
                                    "SELECT gerät, wert, zeit, aktiv, \"größe\" FROM silver.messungen ORDER BY gerät"))
                    .isEqualTo(
                            """
                            {"gerät":"Ω-1","wert":"0.000001","zeit":"2026-03-01T10:00:00Z","aktiv":true,"größe":1000.0}
                            {"gerät":"Ω-2","wert":null,"zeit":null,"aktiv":null,"größe":null}
                            """);
            assertThat(rows(lake, "SELECT gerät, amount FROM gold.beides ORDER BY gerät"))
                    .isEqualTo(
                            """
                            {"gerät":"Ω-1","amount":"12.50"}
                            {"gerät":"Ω-2","amount":null}
                            """);
            assertThat(rows(lake, "SELECT \"key\", rule FROM quarantine.silver_messungen"))
                    .isEqualTo("{\"key\":\"Ω-3\",\"rule\":\"wert\"}\n");
        }
    }

    @Test
    void halfACharacterIsKeptAsItCameAndMixesNothingUp() throws Exception {
        String halves =
                """
                {"id":"\\ud800","customer":{"name":"a"},"amount":1}
                {"id":"\\udfff","customer":{"name":"a"},"amount":1}
                {"id":"?","customer":{"name":"a"},"amount":1}
                {"id":"note","customer":{"name":"a"},"amount":1,"note":"\\ude00\\ud83d"}
                {"id":"\\ud83d\\ude00","customer":{"name":"a"},"amount":1}
                """;
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            send(lake, "k", halves);
            settled(lake);
            String payloads =
                    rows(
                            lake,
                            "SELECT payload FROM bronze.orders ORDER BY \"position\", \"index\"");
            for (String event : halves.lines().toList()) {
                assertThat(payloads).contains(event.replace("\\", "\\\\").replace("\"", "\\\""));
            }
            assertThat(rows(lake, "SELECT id FROM silver.orders ORDER BY id"))
                    .isEqualTo("{\"id\":\"?\"}\n{\"id\":\"😀\"}\n");
            assertThat(
                            rows(
                                    lake,
                                    "SELECT \"index\", reason, rule FROM quarantine.silver_orders ORDER BY 1"))
                    .isEqualTo(
                            """
                            {"index":0,"reason":"malformed","rule":"payload"}
                            {"index":1,"reason":"malformed","rule":"payload"}
                            {"index":3,"reason":"malformed","rule":"payload"}
                            """);
        }
    }

    @Test
    void aFolderThatIsRenamedKeepsItsLake() throws Exception {
        Path before = Files.createDirectory(folder.resolve("before"));
        Files.createDirectories(before.resolve("sources"));
        Files.writeString(
                before.resolve("lake.yaml"),
                "storage: %s\ningest: {commit-interval: 1s}\n"
                        .formatted(folder.resolve("warehouse")));
        Files.writeString(before.resolve("sources/orders.yaml"), "kind: http\n");
        try (Lake lake = Lake.open(before, LakeOptions.ofProcess())) {
            send(lake, "k", "{}");
        }
        Path after = Files.move(before, folder.resolve("after"));
        try (Lake lake = Lake.open(after, LakeOptions.ofProcess())) {
            assertThat(lake.definition().name()).isEqualTo("before");
            assertThat(send(lake, "k2", "{}").topic()).isEqualTo("tonle.before.orders");
            settled(lake);
            assertThat(rows(lake, "SELECT COUNT(*) AS n FROM bronze.orders"))
                    .isEqualTo("{\"n\":2}\n");
        }
        String more = "storage: " + folder.resolve("warehouse") + "\n";
        Files.writeString(after.resolve("lake.yaml"), "name: another\n" + more);
        assertThatThrownBy(() -> Lake.open(after, LakeOptions.ofProcess()))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INCOMPATIBLE_CHANGE))
                .hasMessageContaining("called before since its first start")
                .hasMessageContaining("Write name: before");
    }

    @Test
    void aPlaceWhereNoTableCanBeIsCorrectedInTheLakeFile() throws Exception {
        Path lake = Files.createDirectory(folder.resolve("wrong"));
        Files.writeString(folder.resolve("file"), "in the way");
        Files.writeString(lake.resolve("lake.yaml"), "storage: ../file/tables\n");
        assertThatThrownBy(() -> Lake.open(lake, LakeOptions.ofProcess()))
                .hasMessageContaining(folder.resolve("file").toString());

        Files.writeString(lake.resolve("lake.yaml"), "storage: ../tables\n");
        Lake.open(lake, LakeOptions.ofProcess()).close();

        assertThat(folder.resolve("tables")).isDirectory();
    }

    @Test
    void aLakeWhoseTablesWereMovedSaysWhereTheyWere() throws Exception {
        Path before = Files.createDirectory(folder.resolve("before"));
        Files.createDirectories(before.resolve("sources"));
        Files.writeString(before.resolve("lake.yaml"), "name: moved\n");
        Files.writeString(before.resolve("sources/orders.yaml"), "kind: http\n");
        Lake.open(before, LakeOptions.ofProcess()).close();
        Path link = Files.createSymbolicLink(folder.resolve("link"), before);
        Lake.open(link, LakeOptions.ofProcess()).close();
        Path after = Files.move(before, folder.resolve("after"));
        assertThatThrownBy(() -> Lake.open(after, LakeOptions.ofProcess()))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INCOMPATIBLE_CHANGE))
                .hasMessageContaining(before.resolve(".tonle/warehouse").toString())
                .hasMessageContaining("Bring the files back");
        Files.move(after, before);
        Lake.open(before, LakeOptions.ofProcess()).close();
    }

    @Test
    void allProblemsOfAFolderAreSaidAtOnce() throws Exception {
        Files.writeString(folder.resolve("lake.yaml"), "nam: test\n");
        Files.writeString(
                folder.resolve("pipelines/orders.sql"),
                "CREATE STREAMING TABLE silver.orders AS SELECT nothing FROM STREAM bronze.orders;");
        assertThatThrownBy(() -> Lake.open(folder, LakeOptions.ofProcess()))
                .isInstanceOf(DefinitionException.class)
                .hasMessageContaining("lake.yaml:1:1")
                .hasMessageContaining("orders.sql:1:");
    }

    @Test
    void aSourceThatLosesEventsSoonSaysSoUntilBronzeHasThem() throws Exception {
        Files.writeString(
                folder.resolve("lake.yaml"), "name: test\ningest: {commit-interval: 10m}\n");
        MovingClock clock = new MovingClock();
        LakeOptions options = new LakeOptions(Map.of(), clock, FailPoints.NONE);
        try (Lake lake = Lake.open(folder, options)) {
            assertThat(retention(lake))
                    .isEqualTo(new TableStatus.Retention(Duration.ofDays(7), false));
            send(lake, "k", "{}");
            clock.move(Duration.ofDays(3));
            assertThat(retention(lake).alarm()).isFalse();
            clock.move(Duration.ofDays(1));
            assertThat(retention(lake).alarm()).isTrue();
            assertThat(retention(lake).left())
                    .isBetween(Duration.ofDays(3).minusMinutes(1), Duration.ofDays(3));
            assertThat(lake.tables().getFirst().reason().orElseThrow())
                    .contains("in 43", "begins to lose", "raise its retention");
            assertThat(lake.tables().getFirst().state()).isEqualTo(TableStatus.State.LAGGING);
            clock.move(Duration.ofDays(30));
            assertThat(retention(lake).left()).isZero();
        }
        try (Lake lake = Lake.open(folder, options)) {
            await(lake, () -> lake.tables().getFirst().rows() == 1);
            // the ledger has it a moment before it counts as nothing that waits
            TableStatus.Retention all = new TableStatus.Retention(Duration.ofDays(7), false);
            await(lake, () -> retention(lake).equals(all));
        }
    }

    @Test
    void rowsStayForAsLongAsTheLakeFileSays() throws Exception {
        Files.writeString(
                folder.resolve("lake.yaml"),
                "name: test\nmaintenance: {interval: 1s, rows: {bronze: 10d, silver: 20d}}\n");
        MovingClock clock = new MovingClock();
        String bronze = "SELECT event_id FROM bronze.orders";
        String silver = "SELECT id FROM silver.orders";
        try (Lake lake = Lake.open(folder, new LakeOptions(Map.of(), clock, FailPoints.NONE))) {
            send(lake, "k", "{\"id\":1,\"customer\":{\"name\":\"Zoë\"},\"amount\":12.50}");
            settled(lake);
            String row = rows(lake, silver);
            assertThat(row).isNotEmpty();
            clock.move(Duration.ofDays(11));
            await(lake, () -> rows(lake, bronze).isEmpty());
            assertThat(rows(lake, silver)).isEqualTo(row);
            clock.move(Duration.ofDays(10));
            await(lake, () -> rows(lake, silver).isEmpty());
            settled(lake);
            assertThat(rows(lake, "SELECT orders FROM gold.customer"))
                    .isEqualTo("{\"orders\":1}\n");
            assertThat(
                            rows(
                                    lake,
                                    "SELECT namespace, row_count FROM system.maintenance WHERE action = 'expire-rows' ORDER BY namespace"))
                    .isEqualTo(
                            "{\"namespace\":\"bronze\",\"row_count\":1}\n{\"namespace\":\"silver\",\"row_count\":1}\n");
        }
    }

    private static TableStatus.Retention retention(Lake lake) {
        return lake.tables().getFirst().retention().orElseThrow();
    }

    /** Goes as the system's, from where it was moved to. */
    private static final class MovingClock extends Clock {
        private volatile Duration ahead = Duration.ZERO;

        void move(Duration further) {
            ahead = ahead.plus(further);
        }

        @Override
        public Instant instant() {
            return Instant.now().plus(ahead);
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }
}
