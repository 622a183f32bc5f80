package org.tonle.definition;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One source of events, {@code sources/<name>.yaml}.
 *
 * @param name the file's name, {@code [a-z][a-z0-9_]*}; also names {@code bronze.<name>}, or how
 *     the names of its tables in bronze begin
 * @param place of the file's first key
 * @param idField the top-level JSON field that is the event's id; an event without it gets a
 *     derived id
 * @param eventTimeField the top-level JSON field that says when the event happened
 * @param keyField the name of the column in {@code columns} that deduplicates instead of the id
 * @param columns in the order of the file
 * @param partitions of its topic; fixed when the topic is created
 * @param retention how long the event log keeps what bronze has committed
 * @param kind what it reads
 * @param drift what becomes of fields that it has no column for
 */
public record SourceDefinition(
        String name,
        Place place,
        String idField,
        Optional<String> eventTimeField,
        Optional<String> keyField,
        List<ColumnDefinition> columns,
        int partitions,
        Duration retention,
        SourceKind kind,
        DriftPolicy drift) {
    public static final String DEFAULT_ID_FIELD = "event_id";
    public static final int DEFAULT_PARTITIONS = 1;
    public static final Duration DEFAULT_RETENTION = Duration.ofDays(7);

    public SourceDefinition {
        columns = List.copyOf(columns);
    }

    /** A source that leaves fields without a column in the payload. */
    public SourceDefinition(
            String name,
            Place place,
            String idField,
            Optional<String> eventTimeField,
            Optional<String> keyField,
            List<ColumnDefinition> columns,
            int partitions,
            Duration retention,
            SourceKind kind) {
        this(
                name,
                place,
                idField,
                eventTimeField,
                keyField,
                columns,
                partitions,
                retention,
                kind,
                DriftPolicy.IGNORE);
    }

    /** The tables of bronze that it fills. */
    public List<BronzeDefinition> tables() {
        return kind instanceof SourceKind.Postgres postgres
                ? postgres.tables()
                : List.of(
                        new BronzeDefinition(name, Optional.empty(), columns, keyField, fields()));
    }

    private Drift fields() {
        boolean changes =
                kind instanceof SourceKind.Kafka kafka && kafka.format() == TopicFormat.DEBEZIUM;
        return changes
                ? new Drift(drift, ChangeColumns.UNDER, Set.of())
                : new Drift(
                        drift,
                        List.of(),
                        Stream.concat(Stream.of(idField), eventTimeField.stream())
                                .collect(Collectors.toSet()));
    }

    /** A source of requests with nothing but its name. */
    public static SourceDefinition named(String name) {
        return new SourceDefinition(
                name,
                Place.startOf("sources/" + name + ".yaml"),
                DEFAULT_ID_FIELD,
                Optional.empty(),
                Optional.empty(),
                List.of(),
                DEFAULT_PARTITIONS,
                DEFAULT_RETENTION,
                new SourceKind.Http(SourceKind.Http.DEFAULT_MAX_BODY_BYTES));
    }
}
