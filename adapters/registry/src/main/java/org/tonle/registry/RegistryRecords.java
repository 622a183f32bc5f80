package org.tonle.registry;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.tonle.spi.RecordDecoder;
import org.tonle.spi.TopicRecord;

/**
 * Records that name the schema they were written with: Avro, Protobuf, and JSON. What a value is
 * its schema says, whatever the source's definition does.
 */
final class RegistryRecords implements RecordDecoder {
    private final Schemas schemas;
    private final WireFormat format;
    private final Keys keys;
    private final boolean plainToo;

    /**
     * @param schemas closed with this
     * @param plainToo whether what names no schema is JSON as it is
     */
    RegistryRecords(Schemas schemas, boolean plainToo) {
        this.schemas = schemas;
        this.format = new WireFormat(schemas);
        this.keys = new Keys(Optional.of(format));
        this.plainToo = plainToo;
    }

    @Override
    public Decoded decode(TopicRecord record) {
        Optional<String> key = keys.text(record.key());
        byte[] value = record.value();
        if (value == null) {
            return Decoded.Event.ofTombstone(key, Map.of());
        }
        if (plainToo && !WireFormat.is(value)) {
            return new Decoded.Event(value, key, Map.of());
        }
        return switch (format.read(value)) {
            case WireFormat.Read.Value(byte[] json, int id, Optional<String> type) ->
                    new Decoded.Event(json, key, headers(Optional.of(id), type));
            case WireFormat.Read.Problem(String why, Optional<Integer> id) ->
                    new Decoded.Unreadable(why, key, headers(id, Optional.empty()));
        };
    }

    /** What is kept beside an event of the schema that its value names. */
    static Map<String, String> headers(Optional<Integer> id, Optional<String> type) {
        Map<String, String> headers = new TreeMap<>();
        id.ifPresent(known -> headers.put("tonle-schema-id", known.toString()));
        type.ifPresent(name -> headers.put("tonle-schema-name", name));
        return headers;
    }

    @Override
    public void close() {
        schemas.close();
    }
}
