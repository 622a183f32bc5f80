package org.tonle.definition;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a source reads, and how it is reached: the {@code kind:} of its file. */
public sealed interface SourceKind {
    /** As the file names it. */
    String name();

    /** The largest record that it puts into its topic of the event log. */
    long maxRecordBytes();

    /**
     * Requests to {@code POST /api/v1/ingest/<source>}.
     *
     * @param maxBodyBytes of one request, after decompression
     */
    record Http(long maxBodyBytes) implements SourceKind {
        public static final long DEFAULT_MAX_BODY_BYTES = 20L << 20;

        @Override
        public String name() {
            return "http";
        }

        @Override
        public long maxRecordBytes() {
            return maxBodyBytes;
        }
    }

    /**
     * The files of a folder or bucket, each once.
     *
     * @param location where they lie
     * @param pattern which of those in it and below, as a glob over the path from there
     * @param format of all of them; empty: as their names say
     * @param settle how long a file must not have changed before it is read
     */
    record Files(
            FileLocation location, String pattern, Optional<FileFormat> format, Duration settle)
            implements SourceKind {
        public static final String DEFAULT_PATTERN = "**";
        public static final Duration DEFAULT_SETTLE = Duration.ofSeconds(2);

        /** Longer events aren't taken. */
        public static final long MAX_BODY_BYTES = 20L << 20;

        /** Whether each file is one event, whatever it holds. */
        public boolean areObjects() {
            return format.filter(f -> f == FileFormat.OBJECT).isPresent();
        }

        @Override
        public String name() {
            return "files";
        }

        @Override
        public long maxRecordBytes() {
            return MAX_BODY_BYTES;
        }
    }

    /**
     * A topic of an existing cluster; each record is an event.
     *
     * @param topic its name there
     * @param cluster how the cluster is reached
     * @param fromStart whether to begin with the oldest record that is there; else with what comes
     * @param format how its records hold their events
     * @param registry where the schemas are that they name; empty only if none is needed
     */
    record Kafka(
            String topic,
            EventLogDefinition.Cluster cluster,
            boolean fromStart,
            TopicFormat format,
            Optional<RegistryDefinition> registry)
            implements SourceKind {
        @Override
        public String name() {
            return "kafka";
        }

        /** Nothing is put into another's topic. */
        @Override
        public long maxRecordBytes() {
            return 0;
        }
    }

    /**
     * The changes of tables of a PostgreSQL database, from what they hold now on.
     *
     * @param host of the server
     * @param port of the server
     * @param database which of its databases
     * @param user who may replicate and read the tables
     * @param password of the user; empty if the server asks for none
     * @param properties of the connection besides, such as {@code sslmode}
     * @param slot the replication slot: it keeps the database's log until bronze has it
     * @param publication what the slot tells of; it is made if it isn't there
     * @param walAlarmBytes how much of the database's log may be held back without a warning
     * @param tables which; in the order of the file
     */
    record Postgres(
            String host,
            int port,
            String database,
            String user,
            Optional<Secret> password,
            Map<String, String> properties,
            String slot,
            String publication,
            long walAlarmBytes,
            List<BronzeDefinition> tables)
            implements SourceKind {
        public static final int DEFAULT_PORT = 5432;
        public static final long DEFAULT_WAL_ALARM_BYTES = 1L << 30;

        /** Larger changes are kept as what couldn't be read. */
        public static final long MAX_BODY_BYTES = 20L << 20;

        public Postgres {
            properties = Map.copyOf(properties);
            tables = List.copyOf(tables);
        }

        @Override
        public String name() {
            return "postgres";
        }

        @Override
        public long maxRecordBytes() {
            return MAX_BODY_BYTES;
        }
    }
}
