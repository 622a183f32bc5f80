package org.tonle.registry;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.tonle.avro.BinaryJson;
import org.tonle.avro.JsonBytes;
import org.tonle.registry.Schemas.Known;

/**
 * Confluent's wire format: a zero, the id of the schema in four bytes, and the value as the type of
 * that schema writes it. Protobuf's has the place of its message in the file before it.
 */
final class WireFormat {
    /** What the bytes are. */
    sealed interface Read {
        /**
         * One value.
         *
         * @param id its schema's
         * @param type the full name of its record or message; empty if it has none
         */
        @SuppressWarnings("ArrayRecordComponent") // up to megabytes, never copied or compared
        record Value(byte[] json, int id, Optional<String> type) implements Read {}

        /** Nothing that can be read, with the reason and the id that it names. */
        record Problem(String why, Optional<Integer> id) implements Read {}
    }

    private static final int HEAD = 1 + Integer.BYTES;
    private static final int MOST_INDEXES = 100;
    private static final JsonFactory JSON = new JsonFactory();

    private final Schemas schemas;

    WireFormat(Schemas schemas) {
        this.schemas = schemas;
    }

    /** Whether bytes begin so, which neither JSON nor a text does. */
    static boolean is(byte[] bytes) {
        return bytes.length >= HEAD && bytes[0] == 0 && id(bytes) > 0;
    }

    private static int id(byte[] bytes) {
        return ByteBuffer.wrap(bytes).getInt(1);
    }

    Read read(byte[] bytes) {
        if (!is(bytes)) {
            return new Read.Problem(head(bytes), Optional.empty());
        }
        int id = id(bytes);
        Optional<Known> schema = schemas.of(id);
        if (schema.isEmpty()) {
            return new Read.Problem("the registry has no schema of the id " + id, Optional.of(id));
        }
        try {
            return switch (schema.get()) {
                case Known.Avro(var avro) ->
                        new Read.Value(
                                BinaryJson.read(avro, bytes, HEAD),
                                id,
                                Optional.ofNullable(avro.getFullName()));
                case Known.Protobuf(var file) -> message(file, bytes, id);
                case Known.Json json ->
                        new Read.Value(
                                Arrays.copyOfRange(bytes, HEAD, bytes.length),
                                id,
                                Optional.empty());
                case Known.Unusable(String why) ->
                        new Read.Problem(
                                "schema %d can't be used: %s".formatted(id, why), Optional.of(id));
            };
        } catch (IOException e) {
            return new Read.Problem(
                    "the value doesn't fit schema %d: %s".formatted(id, e.getMessage()),
                    Optional.of(id));
        } catch (RuntimeException | StackOverflowError e) {
            // whatever a schema makes of its reader, only the records of it are refused
            return new Read.Problem(
                    "the value can't be read with schema %d: %s".formatted(id, e), Optional.of(id));
        }
    }

    private static String head(byte[] bytes) {
        if (bytes.length < HEAD) {
            return "the value has %d bytes, and the id of a schema takes %d"
                    .formatted(bytes.length, HEAD);
        }
        return bytes[0] != 0
                ? "the value begins with 0x%02x instead of 0 and the id of a schema"
                        .formatted(bytes[0])
                : "the value begins with 0 and %d, which is no id of a schema".formatted(id(bytes));
    }

    private static Read message(FileDescriptor file, byte[] bytes, int id) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(bytes, HEAD, bytes.length - HEAD);
        Descriptor type = type(file, in);
        JsonBytes out = new JsonBytes();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            ProtoJson.write(type, bytes, in.position(), json);
        }
        return new Read.Value(out.toByteArray(), id, Optional.of(type.getFullName()));
    }

    /** The message at the place that is written: how many steps, and each; a zero is the first. */
    private static Descriptor type(FileDescriptor file, ByteBuffer in) throws IOException {
        int steps = index(in);
        if (steps < 0 || steps > MOST_INDEXES) {
            throw new IOException("its message stands %d levels deep".formatted(steps));
        }
        Descriptor found = at(file.getMessageTypes(), steps == 0 ? 0 : index(in));
        for (int i = 1; i < steps; i++) {
            found = at(found.getNestedTypes(), index(in));
        }
        return found;
    }

    private static Descriptor at(List<Descriptor> types, int index) throws IOException {
        if (index < 0 || index >= types.size()) {
            throw new IOException("it names message %d of %d".formatted(index, types.size()));
        }
        return types.get(index);
    }

    private static int index(ByteBuffer in) throws IOException {
        int value = 0;
        for (int shift = 0; shift < Integer.SIZE; shift += 7) {
            if (!in.hasRemaining()) {
                throw new IOException("it ends before its message is named");
            }
            byte next = in.get();
            value |= (next & 0x7f) << shift;
            if (next >= 0) {
                return (value >>> 1) ^ -(value & 1);
            }
        }
        throw new IOException("the place of its message doesn't end");
    }
}
