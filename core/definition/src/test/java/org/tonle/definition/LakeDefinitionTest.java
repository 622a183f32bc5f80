package org.tonle.definition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LakeDefinitionTest {
    @TempDir Path temp;
    private Path folder;

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectory(temp.resolve("My Lake"));
    }

    private void write(String file, String text) throws IOException {
        Path path = folder.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private LakeDefinition load(Map<String, String> env) {
        return LakeDefinition.load(folder, env);
    }

    @Test
    void anEmptyLakeFileMeansTheDefaults() throws IOException {
        write("lake.yaml", "# nothing\n");

        LakeDefinition lake = load(Map.of());

        assertThat(lake.name()).isEqualTo("my-lake");
        assertThat(lake.folder()).isEqualTo(folder.toAbsolutePath());
        assertThat(lake.state()).isEqualTo(folder.resolve(".tonle"));
        assertThat(lake.storage())
                .isEqualTo(new StorageDefinition.Folder(folder.resolve(".tonle/warehouse")));
        assertThat(lake.eventLog()).isEqualTo(new EventLogDefinition.Embedded());
        assertThat(lake.ledger()).isEqualTo(new LedgerDefinition.Embedded());
        assertThat(lake.engine().memoryBytes()).isEqualTo(1L << 30);
        assertThat(lake.engine().threads()).isPositive();
        assertThat(lake.ingest()).isEqualTo(new IngestDefinition(Duration.ofSeconds(5), 64L << 20));
        assertThat(lake.query())
                .isEqualTo(
                        new QueryDefinition(
                                64L << 20,
                                8,
                                256,
                                Duration.ofSeconds(10),
                                new QueryDefinition.Limits(
                                        6,
                                        Duration.ofMinutes(5),
                                        100_000_000,
                                        10L << 30,
                                        OptionalLong.empty()),
                                Map.of()));
        assertThat(lake.query().limitsMemory()).isFalse();
        assertThat(lake.audit()).isEqualTo(new AuditDefinition(Duration.ofDays(90)));
        assertThat(lake.lineage()).isEmpty();
        assertThat(lake.refreshInterval()).isEqualTo(Duration.ofSeconds(10));
        assertThat(lake.sources()).isEmpty();
        assertThat(lake.statements()).isEmpty();
    }

    @Test
    void eachKindOfSourceSaysWhatBecomesOfFieldsWithoutAColumn() throws IOException {
        write("lake.yaml", "");
        write("sources/a.yaml", "kind: http\ndrift: evolve\n");
        write("sources/b.yaml", "kind: files\npath: x\n");
        write(
                "sources/c.yaml",
                "kind: kafka\ntopic: t\nbootstrap-servers: b:1\nformat: debezium\ndrift: fail\ncolumns: {id: int}\n");
        write(
                "sources/d.yaml",
                "kind: postgres\nhost: h\ndatabase: d\nuser: u\ndrift: quarantine\ntables: {t: {id: int}}\n");
        List<SourceDefinition> sources = load(Map.of()).sources();
        assertThat(sources)
                .extracting(SourceDefinition::drift)
                .containsExactly(
                        DriftPolicy.EVOLVE,
                        DriftPolicy.IGNORE,
                        DriftPolicy.FAIL,
                        DriftPolicy.QUARANTINE);
        assertThat(sources.get(0).tables().getFirst().fields(Map.of())).containsExactly("event_id");
        assertThat(sources.get(2).tables().getFirst())
                .satisfies(table -> assertThat(table.drift().policy()).isEqualTo(DriftPolicy.FAIL))
                .satisfies(table -> assertThat(table.fields(Map.of())).containsExactly("id"));
        assertThat(sources.get(3).tables().getFirst())
                .satisfies(table ->
                        assertThat(table.drift().policy()).isEqualTo(DriftPolicy.QUARANTINE))
                .satisfies(table -> assertThat(table.fields(Map.of())).containsExactly("id"));
        write("sources/a.yaml", "kind: http\ndrift: evolv\n");
        assertThatThrownBy(() -> load(Map.of())).hasMessageContaining("did you mean evolve");
    }

    @Test
    void aLineageFileLiesInTheLakeFolderUnlessItsPathIsWhole() throws IOException {
        write("lake.yaml", "lineage: {file: out/lineage.ndjson}\n");
        assertThat(load(Map.of()).lineage())
                .contains(new LineageDefinition.File(folder.resolve("out/lineage.ndjson")));
        write("lake.yaml", "lineage: {file: /var/log/lineage.ndjson}\n");
        assertThat(load(Map.of()).lineage())
                .contains(new LineageDefinition.File(Path.of("/var/log/lineage.ndjson")));
    }

    @Test
    void everyKeyOfTheLakeFileIsRead() throws IOException {
        write("secrets/pg", "s3cret\n");
        write(
                "lake.yaml",
                """
                name: flights
                storage: data/warehouse
                event-log:
                  bootstrap-servers: a:9092, b.example:9093
                  properties:
                    security.protocol: SASL_SSL
                    sasl.jaas.config: 'login required password="${env:KAFKA_PASSWORD}";'
                ledger:
                  url: jdbc:postgresql://${env:PG_HOST}/tonle
                  user: tonle
                  password: ${file:secrets/pg}
                engine: {memory: 2GB, threads: 3}
                ingest: {commit-interval: 250ms, commit-size: 1.5MB}
                query:
                  cache: 0B
                  concurrent: 2
                  queue: 3
                  queue-time: 4s
                  each: {concurrent: 1, timeout: 5s, max-rows: 6, max-bytes: 7kB}
                  roles:
                    data_viewer: {max-rows: 1, memory: 1GB}
                    ingest: {timeout: 1h, concurrent: 2}
                audit: {retention: 30d}
                maintenance: {history: 2d, grace: 2h, interval: 5m, rows: {gold: forever, bronze: 1y}}
                lineage: {url: "https://catalog/api/v1/lineage", api-key: "${env:KEY}"}
                refresh-interval: 1m
                """);

        LakeDefinition lake =
                load(Map.of("KAFKA_PASSWORD", "hush", "PG_HOST", "pg:5432", "KEY", "k"));

        assertThat(lake.name()).isEqualTo("flights");
        assertThat(lake.storage())
                .isEqualTo(new StorageDefinition.Folder(folder.resolve("data/warehouse")));
        assertThat(lake.eventLog())
                .isEqualTo(
                        new EventLogDefinition.Cluster(
                                "a:9092, b.example:9093",
                                Map.of(
                                        "security.protocol",
                                        new Secret("SASL_SSL"),
                                        "sasl.jaas.config",
                                        new Secret("login required password=\"hush\";"))));
        assertThat(lake.ledger())
                .isEqualTo(
                        new LedgerDefinition.Postgres(
                                "jdbc:postgresql://pg:5432/tonle",
                                "tonle",
                                Optional.of(new Secret("s3cret"))));
        assertThat(lake.engine()).isEqualTo(new EngineDefinition(2L << 30, 3));
        assertThat(lake.ingest()).isEqualTo(new IngestDefinition(Duration.ofMillis(250), 3L << 19));
        assertThat(lake.query())
                .isEqualTo(
                        new QueryDefinition(
                                0,
                                2,
                                3,
                                Duration.ofSeconds(4),
                                new QueryDefinition.Limits(
                                        1, Duration.ofSeconds(5), 6, 7 << 10, OptionalLong.empty()),
                                Map.of(
                                        "data_viewer",
                                        new QueryDefinition.Limits(
                                                1,
                                                Duration.ofSeconds(5),
                                                1,
                                                7 << 10,
                                                OptionalLong.of(1L << 30)),
                                        "ingest",
                                        new QueryDefinition.Limits(
                                                2,
                                                Duration.ofHours(1),
                                                6,
                                                7 << 10,
                                                OptionalLong.empty()))));
        assertThat(lake.query().limitsMemory()).isTrue();
        assertThat(lake.audit()).isEqualTo(new AuditDefinition(Duration.ofDays(30)));
        assertThat(lake.maintenance())
                .isEqualTo(
                        new MaintenanceDefinition(
                                Duration.ofDays(2),
                                Duration.ofDays(30),
                                Duration.ofHours(2),
                                Duration.ofMinutes(5),
                                Map.of(
                                        "bronze",
                                        Duration.ofDays(365),
                                        "silver",
                                        Duration.ofDays(3 * 365))));
        assertThat(lake.lineage())
                .contains(
                        new LineageDefinition.Http(
                                URI.create("https://catalog/api/v1/lineage"),
                                Optional.of(new Secret("k"))));
        assertThat(lake.refreshInterval()).isEqualTo(Duration.ofMinutes(1));
        assertThat(lake.toString()).doesNotContain("s3cret").doesNotContain("hush");
    }

    @Test
    void aFileUriNamesTheStorage() throws IOException {
        write("lake.yaml", "storage: file:///srv/lake\n");

        assertThat(load(Map.of()).storage())
                .isEqualTo(new StorageDefinition.Folder(Path.of("/srv/lake")));
    }

    @Test
    void everyKeyOfABucketForTablesIsRead() throws IOException {
        write(
                "lake.yaml",
                """
                storage:
                  path: s3://lake/${env:STAGE}/tables
                  endpoint: https://s3.example:9000
                  region: eu-central-1
                  access-key: ${env:ID}
                  secret-key: ${env:KEY}
                  path-style: true
                  encryption: kms
                  kms-key: alias/lake
                  cache: 2GB
                """);
        StorageDefinition storage =
                load(Map.of("STAGE", "dev", "ID", "lake", "KEY", "hush")).storage();
        assertThat(storage)
                .isEqualTo(
                        new StorageDefinition.Bucket(
                                new FileLocation.Bucket(
                                        "lake",
                                        "dev/tables/",
                                        Optional.of(URI.create("https://s3.example:9000")),
                                        Optional.of("eu-central-1"),
                                        Optional.of(
                                                new FileLocation.Credentials(
                                                        new Secret("lake"), new Secret("hush"))),
                                        true),
                                Optional.of(
                                        new StorageDefinition.Encryption.KeyService("alias/lake")),
                                2L << 30));
        assertThat(storage.place()).isEqualTo("s3://lake/dev/tables");
        assertThat(storage.toString()).doesNotContain("hush");
    }

    @Test
    void aBucketForTablesNeedsNoMoreThanItsPath() throws IOException {
        write("lake.yaml", "storage: s3://lake\n");
        assertThat(load(Map.of()).storage())
                .isEqualTo(
                        new StorageDefinition.Bucket(
                                new FileLocation.Bucket(
                                        "lake",
                                        "",
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        false),
                                Optional.empty(),
                                StorageSection.DEFAULT_CACHE));
    }

    @Test
    void everythingWrongWithAStorageIsSaidAtOnce() throws IOException {
        write("lake.yaml", "storage: {path: data, region: x, cache: 1GB}\n");
        assertThatThrownBy(() -> load(Map.of()))
                .hasMessageContaining("\"region\": only a bucket has this")
                .hasMessageContaining("\"cache\": only a bucket has this");
        write(
                "lake.yaml",
                """
                storage:
                  path: s3://lake/a/../b
                  access-key: x
                  encryption: kms
                  cache: 1KB
                """);
        assertThatThrownBy(() -> load(Map.of()))
                .hasMessageContaining("the prefix of tables is made of names")
                .hasMessageContaining("access-key and secret-key belong together")
                .hasMessageContaining("encryption: kms and kms-key: KEY belong together")
                .hasMessageContaining("cache takes a size from");
        write("lake.yaml", "storage: gs://lake/tables\n");
        assertThatThrownBy(() -> load(Map.of()))
                .hasMessageContaining("tables lie in a folder or a bucket");
        write("lake.yaml", "storage: {region: eu-central-1}\n");
        assertThatThrownBy(() -> load(Map.of())).hasMessageContaining("path is missing");
    }

    @Test
    void everyKeyOfASourceIsRead() throws IOException {
        write("lake.yaml", "");
        write(
                "sources/orders.yaml",
                """
                kind: http
                id: order_id
                event-time: at
                key: customer
                partitions: 4
                retention: 3d
                max-body: 1MB
                columns:
                  customer: bigint
                  total: {type: "decimal(10,2)", path: "$.sum['net total'][0]", required: true}
                  größe: string
                """);

        SourceDefinition source = load(Map.of()).source("orders").orElseThrow();

        assertThat(source.place()).isEqualTo(new Place("sources/orders.yaml", 1, 1));
        assertThat(source.idField()).isEqualTo("order_id");
        assertThat(source.eventTimeField()).contains("at");
        assertThat(source.keyField()).contains("customer");
        assertThat(source.partitions()).isEqualTo(4);
        assertThat(source.retention()).isEqualTo(Duration.ofDays(3));
        assertThat(source.kind()).isEqualTo(new SourceKind.Http(1L << 20));
        assertThat(source.columns())
                .containsExactly(
                        new ColumnDefinition(
                                "customer",
                                ColumnType.Simple.BIGINT,
                                JsonPath.field("customer"),
                                false,
                                new Place("sources/orders.yaml", 9, 3)),
                        new ColumnDefinition(
                                "total",
                                new ColumnType.Decimal(10, 2),
                                new JsonPath(
                                        List.of(
                                                new JsonPath.Field("sum"),
                                                new JsonPath.Field("net total"),
                                                new JsonPath.Index(0))),
                                true,
                                new Place("sources/orders.yaml", 10, 3)),
                        new ColumnDefinition(
                                "größe",
                                ColumnType.Simple.STRING,
                                JsonPath.field("größe"),
                                false,
                                new Place("sources/orders.yaml", 11, 3)));
    }

    @Test
    void theKeysOfEachKindAreRead() throws IOException {
        write("lake.yaml", "");
        write(
                "sources/drops.yaml",
                """
                kind: files
                path: ../in
                pattern: "**/*.csv"
                format: tsv
                settle: 5s
                """);
        write(
                "sources/orders.yaml",
                """
                kind: kafka
                topic: shop.orders
                bootstrap-servers: k1:9092,k2:9092
                properties:
                  security.protocol: SASL_SSL
                  sasl.jaas.config: ${env:JAAS}
                from: latest
                """);
        LakeDefinition lake = load(Map.of("JAAS", "module"));
        assertThat(lake.source("drops").orElseThrow().kind())
                .isEqualTo(
                        new SourceKind.Files(
                                new FileLocation.Folder(folder.resolveSibling("in")),
                                "**/*.csv",
                                Optional.of(FileFormat.TSV),
                                Duration.ofSeconds(5)));
        assertThat(lake.source("orders").orElseThrow().kind())
                .isEqualTo(
                        new SourceKind.Kafka(
                                "shop.orders",
                                new EventLogDefinition.Cluster(
                                        "k1:9092,k2:9092",
                                        Map.of(
                                                "security.protocol",
                                                new Secret("SASL_SSL"),
                                                "sasl.jaas.config",
                                                new Secret("module"))),
                                false,
                                TopicFormat.JSON,
                                Optional.empty()));
    }

    @Test
    void aBucketIsReachedAsItsFileSays() throws IOException {
        write("lake.yaml", "");
        write(
                "sources/invoices.yaml",
                """
                kind: files
                path: s3://invoices/2026/in
                endpoint: https://s3.example:9000
                region: eu-central-1
                access-key: ${env:ID}
                secret-key: ${env:KEY}
                path-style: true
                """);
        SourceKind kind =
                load(Map.of("ID", "lake", "KEY", "x")).source("invoices").orElseThrow().kind();
        FileLocation location = ((SourceKind.Files) kind).location();
        assertThat(location)
                .isEqualTo(
                        new FileLocation.Bucket(
                                "invoices",
                                "2026/in/",
                                Optional.of(URI.create("https://s3.example:9000")),
                                Optional.of("eu-central-1"),
                                Optional.of(
                                        new FileLocation.Credentials(
                                                new Secret("lake"), new Secret("x"))),
                                true))
                .hasToString("s3://invoices/2026/in/");
        write("sources/invoices.yaml", "kind: files\npath: s3://invoices\n");
        assertThat(
                        ((SourceKind.Files) load(Map.of()).source("invoices").orElseThrow().kind())
                                .location())
                .isEqualTo(
                        new FileLocation.Bucket(
                                "invoices",
                                "",
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                false));
    }

    @Test
    void filesThatAreKeptAsTheyAreHaveColumnsWithoutDeclaringThem() throws IOException {
        write("lake.yaml", "");
        write(
                "sources/letters.yaml",
                """
                kind: files
                path: letters
                format: object
                key: author
                columns:
                  author: {type: string, path: "$.metadata.dc:creator"}
                  Text: {type: string, path: $.text, required: true}
                """);
        SourceDefinition source = load(Map.of()).source("letters").orElseThrow();
        assertThat(source.columns())
                .extracting(column -> column.name() + " " + column.type() + " " + column.required())
                .containsExactly(
                        "name string true",
                        "media_type string true",
                        "size bigint true",
                        "sha256 string true",
                        "location string true",
                        "error string false",
                        "author string false",
                        "Text string true");
        assertThat(source.eventTimeField()).hasValue("modified");
    }

    @Test
    void aTopicOfChangesHasTheirColumnsBehindItsOwnWhichAreReadFromTheRow() throws IOException {
        write("lake.yaml", "");
        write(
                "sources/customers.yaml",
                """
                kind: kafka
                topic: shop.public.customers
                bootstrap-servers: k:9092
                format: debezium
                registry: {url: "https://${env:HOST}:8081/api", user: lake, password: "${env:PW}"}
                columns: {id: bigint, city: {type: string, path: "$.row.at.city"}}
                """);
        SourceDefinition source =
                load(Map.of("HOST", "h", "PW", "x")).source("customers").orElseThrow();
        assertThat(((SourceKind.Kafka) source.kind()).registry())
                .hasValue(
                        new RegistryDefinition(
                                URI.create("https://h:8081/api"),
                                Optional.of("lake"),
                                Optional.of(new Secret("x"))));
        assertThat(source.columns())
                .extracting(column ->
                        column.name()
                                + " "
                                + column.type()
                                + " "
                                + column.path()
                                + (column.required() ? " required" : ""))
                .containsExactly(
                        "id bigint $.row.id",
                        "city string $.row.at.city",
                        "_op string $.op required",
                        "_seq string $.seq required",
                        "_at timestamptz $.at",
                        "_unchanged string $.unchanged");
        assertThat(source.idField()).isEqualTo("seq");
        assertThat(source.eventTimeField()).hasValue("at");
    }

    @Test
    void aSourceThatSaysOnlyItsKindHasTheDefaults() throws IOException {
        write("lake.yaml", "");
        write("sources/events.yaml", "kind: http\n");

        assertThat(load(Map.of()).sources()).containsExactly(SourceDefinition.named("events"));
    }

    @Test
    void pipelinesAreCutIntoStatementsWithTheirPlaces() throws IOException {
        write("lake.yaml", "");
        write(
                "pipelines/b.sql",
                """
                -- a comment; with a semicolon
                /* and ; another */ CREATE STREAMING TABLE silver.a AS
                  SELECT ';', "a;b", 'it''s; so' FROM STREAM bronze.a; -- done;
                ;;
                  CREATE MATERIALIZED VIEW gold.b AS SELECT 1 /* ; */ ;
                SELECT 2\
                """);
        write("pipelines/a/deep.sql", "SELECT 0;\n");
        write("pipelines/README.md", "About these; files.");

        assertThat(load(Map.of()).statements())
                .containsExactly(
                        new SqlText(new Place("pipelines/a/deep.sql", 1, 1), "SELECT 0"),
                        new SqlText(
                                new Place("pipelines/b.sql", 2, 21),
                                """
                                CREATE STREAMING TABLE silver.a AS
                                  SELECT ';', "a;b", 'it''s; so' FROM STREAM bronze.a\
                                """),
                        new SqlText(
                                new Place("pipelines/b.sql", 5, 3),
                                "CREATE MATERIALIZED VIEW gold.b AS SELECT 1 /* ; */"),
                        new SqlText(new Place("pipelines/b.sql", 6, 1), "SELECT 2"));
    }

    @Test
    void aFolderNameThatIsNoLakeNameIsMadeOne() {
        assertThat(LakeFile.nameOf(Path.of("/x/Ünder 9"))).isEqualTo("lake--nder-9");
        assertThat(LakeFile.nameOf(Path.of("/"))).isEqualTo("lake-");
        assertThat(LakeFile.nameOf(Path.of("/" + "a".repeat(99)))).hasSize(63);
    }
}
