package org.tonle.ingest;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.parquet.io.api.Binary;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.BronzeTable;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.JsonPath;
import org.tonle.definition.SourceDefinition;

/**
 * The rows of bronze that a body of the log becomes: always the same ones, whoever reads it and
 * whenever. Used by one thread.
 */
final class BodyRows {
    /** The header under which the Idempotency-Key stands in bronze. */
    static final String KEY_HEADER = "idempotency-key";

    /** The header under which the hash of the body stands beside it, 32 hexadecimal digits. */
    static final String HASH_HEADER = "tonle-body-hash";

    /** The header under which the number of the body's events stands beside it. */
    static final String EVENTS_HEADER = "tonle-body-events";

    /** What is added to the content type of bytes that are no text. */
    private static final String BASE64 = ";base64";

    private static final int ID = 0;
    private static final int TIME = 1;
    private static final int KEY = 2;
    private static final int TABLE = 3;

    /** In an event and a body's headers: the table outside that it is of. */
    private static final String TABLE_FIELD = "table";

    private final SourceDefinition definition;
    private final SourceTopic topic;
    private final String[] fields;
    private final EventIds ids = new EventIds();
    private final BronzeRow row = new BronzeRow();

    /** By their names outside, the tables of bronze; empty if there is but one. */
    private final Map<String, String> tables = new HashMap<>();

    private final String firstTable;

    /** Where rows of a table are written. */
    interface Files {
        BronzeFile of(String table);

        /** Is told of each event before it is written: its bytes in a body. */
        void event(String table, byte[] body, int from, int to);
    }

    BodyRows(SourceDefinition definition, SourceTopic topic) {
        this.definition = definition;
        this.topic = topic;
        this.fields =
                new String[] {
                    definition.idField(),
                    definition.eventTimeField().orElse(""),
                    keyField(definition).orElse(""),
                    TABLE_FIELD
                };
        definition
                .tables()
                .forEach(
                        table -> table.outside().ifPresent(name -> tables.put(name, table.name())));
        this.firstTable = definition.tables().getFirst().name();
        row.source = Binary.fromString(definition.name());
        row.topic = Binary.fromString(topic.name());
    }

    /** The field at the top of an event that holds the declared key, where it lies at the top. */
    private static Optional<String> keyField(SourceDefinition definition) {
        return definition.columns().stream()
                .filter(column -> definition.keyField().equals(Optional.of(column.name())))
                .map(ColumnDefinition::path)
                .map(JsonPath::steps)
                .filter(steps -> steps.size() == 1)
                .flatMap(steps ->
                        steps.getFirst() instanceof JsonPath.Field field
                                ? Optional.of(field.name()).stream()
                                : Optional.<String>empty().stream())
                .findFirst();
    }

    /**
     * Writes all rows of a body. What is of a table that isn't declared any more is left out:
     * nobody asks for it.
     */
    void write(LogRecord record, Files files) {
        BodyRecord body = record.body();
        row.ingestTimeMicros = body.ingestTimeMicros();
        row.partition = record.partition();
        row.position = record.position();
        row.contentType = Binary.fromString(body.contentType());
        row.headers = headers(body);
        body.idempotencyKey()
                .or(() ->
                        body.mark()
                                .map(BodyRecord.Marked::mark)
                                .map(mark -> mark.item() + "@" + mark.position()))
                .ifPresentOrElse(
                        key -> ids.byKey(definition.name(), key),
                        () -> ids.byPlace(topic.topicId(), record.partition(), record.position()));
        byte[] bytes = body.body();
        if (body.problem().isPresent()) {
            String table = table(Optional.ofNullable(body.headers().get(TABLE_FIELD)));
            if (table != null) {
                unreadable(bytes, key(body).orElse(null), files.of(table));
            }
            return;
        }
        EventCursor cursor = new EventCursor(bytes, body.format(), fields);
        while (cursor.next()) {
            String table = table(cursor, bytes);
            if (table == null) {
                continue;
            }
            BronzeFile file = files.of(table);
            files.event(table, bytes, cursor.start(), cursor.end());
            row.index = cursor.index();
            row.eventId = id(cursor, bytes);
            row.eventTimeMicros = time(cursor, bytes);
            row.key =
                    definition.keyField().isPresent()
                            ? text(cursor, KEY, bytes)
                            : key(body).orElse(null);
            row.payload =
                    Binary.fromConstantByteArray(
                            bytes, cursor.start(), cursor.end() - cursor.start());
            file.write(row);
        }
    }

    /** The table of bronze that an event is of; null if none is. */
    private @Nullable String table(EventCursor cursor, byte[] bytes) {
        return tables.isEmpty()
                ? firstTable
                : table(
                        Optional.ofNullable(text(cursor, TABLE, bytes))
                                .map(Binary::toStringUsingUTF8));
    }

    private @Nullable String table(Optional<String> outside) {
        return tables.isEmpty() ? firstTable : outside.map(tables::get).orElse(null);
    }

    /**
     * What of a body's events keeps the source from taking it, where that stops it; with the place.
     *
     * @param checks by table
     */
    Optional<String> problem(LogRecord record, Map<String, FieldCheck> checks) {
        BodyRecord body = record.body();
        if (body.problem().isPresent()) {
            return Optional.empty();
        }
        byte[] bytes = body.body();
        EventCursor cursor = new EventCursor(bytes, body.format(), fields);
        while (cursor.next()) {
            FieldCheck check = checks.get(table(cursor, bytes));
            if (check != null) {
                Optional<String> problem = check.problem(bytes, cursor.start(), cursor.end());
                if (problem.isPresent()) {
                    return Optional.of(place(record, cursor.index()) + problem.get());
                }
            }
        }
        return Optional.empty();
    }

    private String place(LogRecord record, int index) {
        String log =
                "%s, partition %d, position %d"
                        .formatted(topic.name(), record.partition(), record.position());
        return record.body()
                        .mark()
                        .map(at ->
                                "event %d behind %s of %s (%s)"
                                        .formatted(
                                                index,
                                                at.after().isEmpty() ? "the beginning" : at.after(),
                                                at.mark().item(),
                                                log))
                        .orElse(log)
                + ": ";
    }

    private static Optional<Binary> key(BodyRecord body) {
        return body.outside().flatMap(BodyRecord.Outside::key).map(Binary::fromString);
    }

    /** One event with the bytes as they are, or in Base64 if they are no text. */
    private void unreadable(byte[] bytes, @Nullable Binary key, BronzeFile file) {
        row.index = 0;
        row.eventId = Binary.fromReusedByteArray(ids.id(0));
        row.eventTimeMicros = EventTime.NONE;
        row.key = key;
        row.payload = Binary.fromConstantByteArray(bytes);
        if (!isText(bytes)) {
            row.contentType = Binary.fromString(row.contentType.toStringUsingUTF8() + BASE64);
            row.payload = Binary.fromConstantByteArray(Base64.getEncoder().encode(bytes));
        }
        file.write(row);
    }

    private static boolean isText(byte[] bytes) {
        for (byte b : bytes) {
            if (b == 0) {
                return false;
            }
        }
        try {
            var unused = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    private Binary id(EventCursor cursor, byte[] bytes) {
        Binary own = text(cursor, ID, bytes);
        // an empty text names nothing: events that have it would all be one
        return own == null || own.length() == 0
                ? Binary.fromReusedByteArray(ids.id(cursor.index()))
                : own;
    }

    private static @Nullable Binary text(EventCursor cursor, int index, byte[] bytes) {
        EventCursor.Field field = cursor.field(index);
        return switch (field.type()) {
            case STRING, NUMBER ->
                    field.escaped()
                            ? encoded(cursor.text(field))
                            : Binary.fromConstantByteArray(
                                    bytes, field.start(), field.end() - field.start());
            case OTHER, ABSENT -> null;
        };
    }

    /**
     * Null for a text with half of a surrogate pair, which is no UTF-8: written with a substitute,
     * different ones would be one.
     */
    private static @Nullable Binary encoded(String text) {
        try {
            return Binary.fromReusedByteBuffer(
                    StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text)));
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    private long time(EventCursor cursor, byte[] bytes) {
        if (definition.eventTimeField().isEmpty()) {
            return EventTime.NONE;
        }
        EventCursor.Field field = cursor.field(TIME);
        return switch (field.type()) {
            case STRING -> EventTime.ofText(bytes, field.start(), field.end());
            case NUMBER -> EventTime.ofNumber(bytes, field.start(), field.end());
            case OTHER, ABSENT -> EventTime.NONE;
        };
    }

    private static List<BronzeRow.HeaderEntry> headers(BodyRecord body) {
        TreeMap<String, String> all = new TreeMap<>(Comparator.naturalOrder());
        all.putAll(body.headers());
        body.idempotencyKey().ifPresent(key -> all.put(KEY_HEADER, key));
        body.bodyHash()
                .ifPresent(hash -> {
                    all.put(HASH_HEADER, hash);
                    all.put(EVENTS_HEADER, Integer.toString(body.events()));
                });
        body.problem().ifPresent(why -> all.put(BronzeTable.PROBLEM_HEADER, why));
        List<BronzeRow.HeaderEntry> entries = new ArrayList<>();
        all.forEach((name, value) ->
                entries.add(
                        new BronzeRow.HeaderEntry(
                                Binary.fromString(name), Binary.fromString(value))));
        return entries;
    }
}
