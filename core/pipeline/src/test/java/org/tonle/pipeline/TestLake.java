package org.tonle.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.PartitionKey;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.InternalRecordWrapper;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.parquet.Parquet;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.definition.Place;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SqlText;
import org.tonle.duckdb.DuckDbEngine;
import org.tonle.duckdb.DuckDbSettings;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.LogMove;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.ledger.Ledger;
import org.tonle.spi.FailPoints;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.Dataset;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;

/** A ledger, a catalog and an engine, and bronze rows put there by hand. */
final class TestLake implements AutoCloseable {
    static final Instant START = Instant.parse("2026-03-01T00:00:00Z");

    private final TestDatabase database;
    private final RootAllocator allocator = new RootAllocator();
    final Ledger ledger;
    final LakeCatalog catalog;
    final DuckDbEngine engine;

    /** What the sources declare now; other columns than the lake began with, or the same. */
    List<SourceDefinition> sources;

    private final Path temporary;
    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private long position;

    /** What the runners of this lake told. */
    final Queue<RunEvent> events = new ConcurrentLinkedQueue<>();

    /** How many files of a streaming table become one; set it before a runner is made. */
    int fanIn = PipelineSettings.DEFAULT_COMPACTION_FAN_IN;

    /** How much a run takes at once; set it before a runner is made. */
    ChangeRange.Limit batch = PipelineSettings.DEFAULT_BATCH;

    /** How long tables keep rows, by namespace; set it before a runner is made. */
    Map<String, Duration> rows = Map.of();

    /** What the runners take the time from; set it before a runner is made. */
    Clock clock = Clock.systemUTC();

    /** What the runners have work done by; set it before a runner is made. */
    SqlEngine worked;

    TestLake(Path dir, SourceDefinition... sources) {
        this.sources = List.of(sources);
        Path warehouse = dir.resolve("warehouse");
        temporary = dir.resolve("tmp");
        try {
            Files.createDirectories(temporary);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        database = TestDatabase.create();
        ledger = openLedger();
        catalog = new LakeCatalog(ledger, warehouse, FailPoints.NONE);
        engine =
                DuckDbEngine.open(
                        new DuckDbSettings(List.of(warehouse), temporary, 512L << 20, 2, 4),
                        allocator);
        worked = engine;
        catalog.ensureNamespace(BronzeTable.NAMESPACE, "test");
        for (SourceDefinition source : sources) {
            try (StagedCommit commit = catalog.stage()) {
                source.tables()
                        .forEach(table ->
                                commit.create(
                                        bronze(table.name()),
                                        BronzeTable.SCHEMA,
                                        BronzeTable.SPEC,
                                        Map.of()));
                commit.publish(CommitRequest.builder(commit.id(), "define", "test"));
            }
        }
    }

    /** The ledger once more, as another process has it. */
    Ledger openLedger() {
        return database.ledger();
    }

    static TableIdentifier bronze(String source) {
        return TableIdentifier.of(BronzeTable.NAMESPACE, source);
    }

    List<Dataset> datasets(String... statements) {
        List<SqlText> texts = new ArrayList<>();
        for (String statement : statements) {
            texts.add(new SqlText(new Place("pipelines/test.sql", 1, 1), statement));
        }
        return Pipelines.of(sources, texts).datasets().stream()
                .map(Pipelines.Planned::dataset)
                .toList();
    }

    /** Runs datasets as one process does, until the lake is closed. */
    PipelineRunner run(List<Dataset> datasets, String holder, FailPoints failPoints) {
        return run(datasets, leases(holder), failPoints);
    }

    PipelineRunner run(List<Dataset> datasets, LeaseKeeper leases, FailPoints failPoints) {
        PipelineRunner runner = runner(datasets, leases, failPoints);
        runner.apply();
        open.push(runner);
        runner.start();
        return runner;
    }

    PipelineRunner runner(List<Dataset> datasets, LeaseKeeper leases, FailPoints failPoints) {
        return new PipelineRunner(
                datasets,
                sources,
                catalog,
                worked,
                leases,
                new PipelineSettings(
                        Duration.ofMillis(10),
                        batch,
                        Duration.ofDays(7),
                        temporary,
                        fanIn,
                        rows,
                        Duration.ofHours(1)),
                failPoints,
                events::add,
                clock);
    }

    /** Waits until all datasets hold everything that is committed, their own commits included. */
    void settled(PipelineRunner runner) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        long head;
        do {
            head = ledger.head();
            while (!holds(runner, head)) {
                if (System.nanoTime() > deadline) {
                    throw new AssertionError("not settled: " + runner.status());
                }
                Thread.sleep(10);
            }
        } while (ledger.head() != head);
    }

    private static boolean holds(PipelineRunner runner, long seq) {
        return runner.status().stream()
                .allMatch(status ->
                        status.upToDate()
                                && status.state() == DatasetStatus.State.RUNNING
                                && status.seq() >= seq);
    }

    long postgresPid() {
        return TestDatabase.serverPid();
    }

    /** A process's leases, given back when the lake is closed. */
    LeaseKeeper leases(String holder) {
        LeaseKeeper leases = new LeaseKeeper(ledger, holder, Duration.ofSeconds(30));
        open.push(leases);
        return leases;
    }

    /** One event. */
    record Event(String id, Instant ingestTime, String payload) {}

    static Event event(String id, String payload) {
        return new Event(id, START, payload);
    }

    /** Commits a file of events, as ingest does. */
    long arrive(String source, Event... events) {
        return arrive(source, Map.of(source, List.of(events)));
    }

    /** Commits a file of events of each of some tables of bronze. */
    long arrive(String source, Map<String, List<Event>> events) {
        try (StagedCommit commit = catalog.stage()) {
            events.forEach((name, rows) -> {
                StagedTable table = commit.table(bronze(name), OnConflict.REAPPLY);
                table.append(List.of(write(table, source, rows)));
            });
            return commit.publish(
                    CommitRequest.builder(commit.id(), "ingest", "test")
                            .move(
                                    new LogMove(
                                            source,
                                            "c",
                                            "t",
                                            0,
                                            0,
                                            ledger.logPositions(source).containsKey(0)
                                                    ? OptionalLong.of(
                                                            ledger.logPositions(source)
                                                                    .get(0)
                                                                    .next())
                                                    : OptionalLong.empty(),
                                            position)));
        }
    }

    DataFile write(StagedTable table, String source, List<Event> events) {
        PartitionKey key = new PartitionKey(BronzeTable.SPEC, BronzeTable.SCHEMA);
        InternalRecordWrapper wrapper = new InternalRecordWrapper(BronzeTable.SCHEMA.asStruct());
        List<Record> records = new ArrayList<>();
        for (Event event : events) {
            GenericRecord record = GenericRecord.create(BronzeTable.SCHEMA);
            record.setField("event_id", event.id());
            record.setField(
                    "ingest_time", OffsetDateTime.ofInstant(event.ingestTime(), ZoneOffset.UTC));
            record.setField("source", source);
            record.setField("topic", "t");
            record.setField("partition", 0);
            record.setField("position", position++);
            record.setField("index", 0);
            record.setField("content_type", "application/json");
            record.setField("payload", event.payload());
            records.add(record);
        }
        key.partition(wrapper.wrap(records.getFirst()));
        Path path = table.newDataFile(BronzeTable.SPEC.partitionToPath(key));
        try (DataWriter<Record> writer =
                Parquet.writeData(catalog.io().newOutputFile(LocalFileIO.location(path)))
                        .schema(BronzeTable.SCHEMA)
                        .createWriterFunc(GenericParquetWriter::create)
                        .withSpec(BronzeTable.SPEC)
                        .withPartition(key)
                        .build()) {
            records.forEach(writer::write);
            writer.close();
            return writer.toDataFile();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A query's rows as text, columns joined by a bar, in the query's order. */
    List<String> rows(String sql) {
        return rowsAt(ledger.head(), sql);
    }

    List<String> rowsAt(long seq, String sql) {
        PinnedTables tables = new PinnedTables(catalog.pinAt(seq), sources);
        BoundQuery query = Sql.query(sql, tables);
        List<String> rows = new ArrayList<>();
        try (QueryResult result =
                engine.run(query, tables.inputs(query), new QueryLimits(Duration.ofMinutes(1)))) {
            while (result.next()) {
                VectorSchemaRoot batch = result.batch();
                for (int row = 0; row < batch.getRowCount(); row++) {
                    List<String> values = new ArrayList<>();
                    for (int column = 0; column < batch.getFieldVectors().size(); column++) {
                        values.add(String.valueOf(batch.getVector(column).getObject(row)));
                    }
                    rows.add(String.join("|", values));
                }
            }
        }
        return rows;
    }

    UUID uuid(String namespace, String name) {
        return catalog.pin().table(TableIdentifier.of(namespace, name)).orElseThrow().uuid();
    }

    @Override
    public void close() {
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
        engine.close();
        ledger.close();
        database.close();
        allocator.close();
    }
}
