package org.tonle.debezium;

import io.debezium.connector.postgresql.PostgresConnector;
import io.debezium.connector.postgresql.PostgresConnectorTask;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.SourceKind;

/**
 * Debezium's connector, run as a task of Kafka Connect by whoever polls it. It has threads of its
 * own, which end when it is closed, and keeps nothing: where it begins is said to it, and so is
 * what it may confirm to the server.
 */
final class ConnectorTask implements AutoCloseable {
    /** Records of one poll. */
    static final int BATCH = 2048;

    /** Of rows that wait; the heap is small, and rows are wide now and then. */
    private static final int QUEUE_BYTES = 32 << 20;

    private final SourceTask task = new PostgresConnectorTask();
    private final Context context = new Context();

    /**
     * Starts it, and makes the slot if it isn't there.
     *
     * @param wide whether a row may be of megabytes
     * @param from behind which transaction it begins; null: with the tables' rows
     */
    static ConnectorTask start(
            SourceKind.Postgres kind, Set<String> tables, boolean wide, @Nullable Long from) {
        ConnectorTask connector = new ConnectorTask();
        connector.context.offset = from == null ? null : Map.of("lsn", from);
        connector.task.initialize(connector.context);
        try {
            connector.task.start(settings(kind, tables, wide));
        } catch (RuntimeException e) {
            connector.close();
            throw e;
        }
        return connector;
    }

    private static Map<String, String> settings(
            SourceKind.Postgres kind, Set<String> tables, boolean wide) {
        Map<String, String> settings = new HashMap<>();
        kind.properties()
                .forEach((key, value) ->
                        settings.put(
                                (key.startsWith("ssl") ? "database." : "driver.") + key, value));
        settings.put("name", "tonle");
        settings.put("connector.class", PostgresConnector.class.getName());
        settings.put("topic.prefix", "tonle");
        // its metrics' names must not meet those of another one that is ending
        settings.put("custom.metric.tags", "run=" + UUID.randomUUID());
        settings.put("database.hostname", kind.host());
        settings.put("database.port", Integer.toString(kind.port()));
        settings.put("database.dbname", kind.database());
        settings.put("database.user", kind.user());
        kind.password().ifPresent(p -> settings.put("database.password", p.reveal()));
        settings.put("plugin.name", "pgoutput");
        settings.put("slot.name", kind.slot());
        // a standby that keeps such slots takes it over with the rest
        settings.put("slot.failover", "true");
        settings.put("publication.name", kind.publication());
        settings.put("publication.autocreate.mode", "disabled");
        settings.put(
                "table.include.list",
                tables.stream().map(ConnectorTask::pattern).collect(Collectors.joining(",")));
        settings.put("snapshot.mode", "initial");
        settings.put("snapshot.locking.mode", "none");
        settings.put("snapshot.fetch.size", wide ? "4" : "1000");
        settings.put("max.batch.size", Integer.toString(BATCH));
        settings.put("max.queue.size", Integer.toString(2 * BATCH));
        settings.put("max.queue.size.in.bytes", Integer.toString(QUEUE_BYTES));
        settings.put("poll.interval.ms", "50");
        settings.put("heartbeat.interval.ms", "100");
        // only what bronze has is confirmed, never what the driver has received
        settings.put("lsn.flush.mode", "connector");
        settings.put("errors.max.retries", "0");
        settings.put("slot.max.retries", "1");
        settings.put("slot.retry.delay.ms", "1000");
        settings.put("tombstones.on.delete", "false");
        settings.put("skipped.operations", "none");
        settings.put("decimal.handling.mode", "string");
        settings.put("time.precision.mode", "microseconds");
        settings.put("interval.handling.mode", "string");
        settings.put("hstore.handling.mode", "json");
        settings.put("binary.handling.mode", "bytes");
        settings.put("include.unknown.datatypes", "true");
        settings.put("column.propagate.source.type", ".*");
        settings.put("unavailable.value.placeholder", RowJson.UNCHANGED);
        settings.put("converters", "texts");
        settings.put("texts.type", TextConverter.class.getName());
        // a value that can't be converted is no NULL
        settings.put("event.converting.failure.handling.mode", "fail");
        settings.put("message.prefix.include.list", "tonle");
        return settings;
    }

    /** Matches the table; letters of another case, too, which the caller tells apart. */
    private static String pattern(String table) {
        return table.replaceAll("([^A-Za-z0-9_])", "\\\\$1");
    }

    /** What came; waits a moment if nothing did. */
    List<SourceRecord> poll() throws InterruptedException {
        List<SourceRecord> records = task.poll();
        return records == null ? List.of() : records;
    }

    /** The server may forget what stands before the place. */
    void confirm(long lsn) throws InterruptedException {
        // it asks what was stored, not what it was told of records
        context.offset = Map.of("lsn", lsn, "lsn_commit", lsn);
        task.commit();
    }

    @Override
    public void close() {
        // it waits for its threads, which an interrupt would cut short
        boolean interrupted = Thread.interrupted();
        try {
            task.stop();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** What Kafka Connect is to a task. */
    private static final class Context implements SourceTaskContext {
        /**
         * At the start no more than a place: with what Debezium stores besides, it would look for
         * the place where to go on by reading a transaction twice, and keep all places in it.
         */
        private volatile @Nullable Map<String, Object> offset;

        @Override
        public Map<String, String> configs() {
            return Map.of();
        }

        @Override
        public OffsetStorageReader offsetStorageReader() {
            return new OffsetStorageReader() {
                @Override
                public <T> @Nullable Map<String, Object> offset(Map<String, T> partition) {
                    return offset;
                }

                @Override
                public <T> Map<Map<String, T>, Map<String, Object>> offsets(
                        Collection<Map<String, T>> partitions) {
                    Map<Map<String, T>, Map<String, Object>> offsets = new HashMap<>();
                    for (Map<String, T> partition : partitions) {
                        Map<String, Object> known = offset(partition);
                        if (known != null) {
                            offsets.put(partition, known);
                        }
                    }
                    return offsets;
                }
            };
        }

        @Override
        public org.apache.kafka.common.metrics.@Nullable PluginMetrics pluginMetrics() {
            return null;
        }
    }
}
