package org.tonle.registry;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.Descriptors;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.NameValidator;
import org.apache.avro.Schema;
import org.tonle.registry.RegistryClient.Reference;
import org.tonle.registry.RegistryClient.Registered;

/**
 * The schemas of a registry, ready to be read with. What an id names never changes, so it is asked
 * for once; that there is none is believed for a minute. Whoever registers a schema isn't trusted:
 * what is too large, or can't be understood, is unusable, with a reason.
 */
final class Schemas implements AutoCloseable {
    /** Of the texts that are kept, in characters. */
    private static final long KEPT = 8L << 20;

    private static final int MOST_REFERENCES = 200;
    private static final Duration ABSENCE = Duration.ofMinutes(1);

    /** What an id names. */
    sealed interface Known {
        record Avro(Schema schema) implements Known {}

        record Protobuf(Descriptors.FileDescriptor file) implements Known {}

        /** What says how JSON looks, which is read without it. */
        record Json() implements Known {}

        record Unusable(String why) implements Known {}
    }

    private record Weighed(Known known, int characters) {}

    private final RegistryClient client;
    private final Cache<Integer, Weighed> known =
            Caffeine.newBuilder()
                    .maximumWeight(KEPT)
                    .weigher((Integer id, Weighed schema) -> schema.characters() + 1_000)
                    .executor(Runnable::run)
                    .build();
    private final Cache<Integer, Boolean> absent =
            Caffeine.newBuilder()
                    .maximumSize(10_000)
                    .expireAfterWrite(ABSENCE)
                    .executor(Runnable::run)
                    .build();

    Schemas(RegistryClient client) {
        this.client = client;
    }

    /** Empty if there is none of this id. */
    Optional<Known> of(int id) {
        Weighed found = known.getIfPresent(id);
        if (found != null) {
            return Optional.of(found.known());
        }
        if (absent.getIfPresent(id) != null) {
            return Optional.empty();
        }
        Weighed made;
        try {
            Optional<Registered> registered = client.schema(id);
            if (registered.isEmpty()) {
                absent.put(id, true);
                return Optional.empty();
            }
            made = weighed(registered.get());
        } catch (IOException e) {
            made = new Weighed(new Known.Unusable(String.valueOf(e.getMessage())), 0);
        }
        known.put(id, made);
        return Optional.of(made.known());
    }

    private Weighed weighed(Registered registered) {
        try {
            Map<Reference, Registered> all = new LinkedHashMap<>();
            int characters = gather(registered, all, new HashSet<>()) + registered.text().length();
            return new Weighed(made(registered, all), characters);
        } catch (IOException e) {
            return new Weighed(new Known.Unusable(String.valueOf(e.getMessage())), 0);
        }
    }

    /**
     * Adds what a schema refers to, each behind what it refers to itself.
     *
     * @param open whose own references are being added
     * @return the characters of all of them
     */
    private int gather(Registered of, Map<Reference, Registered> all, Set<Reference> open)
            throws IOException {
        int characters = 0;
        for (Reference reference : of.references()) {
            if (all.containsKey(reference)) {
                continue;
            }
            if (!open.add(reference)) {
                throw new IOException("it refers to itself by " + reference.name());
            }
            if (all.size() + open.size() >= MOST_REFERENCES) {
                throw new IOException("it refers to more than %d".formatted(MOST_REFERENCES));
            }
            Registered found =
                    client.schema(reference)
                            .orElseThrow(() ->
                                    new IOException(
                                            "it refers to %s, version %d of %s, which isn't there"
                                                    .formatted(
                                                            reference.name(),
                                                            reference.version(),
                                                            reference.subject())));
            characters += found.text().length() + gather(found, all, open);
            if (characters > RegistryClient.MOST_BYTES) {
                throw new IOException("it is too large with all that it refers to");
            }
            open.remove(reference);
            all.put(reference, found);
        }
        return characters;
    }

    /** Parsers fail in ways of their own on what nobody should have registered. */
    private static Known made(Registered schema, Map<Reference, Registered> all)
            throws IOException {
        try {
            return understood(schema, all);
        } catch (RuntimeException | StackOverflowError e) {
            return new Known.Unusable("it can't be understood: " + e);
        }
    }

    private static Known understood(Registered schema, Map<Reference, Registered> all)
            throws IOException {
        return switch (schema.type()) {
            case "AVRO" -> new Known.Avro(avro(schema, all));
            case "PROTOBUF" -> new Known.Protobuf(ProtoFiles.of(schema, all));
            case "JSON" -> new Known.Json();
            default -> new Known.Unusable("it is of type " + schema.type());
        };
    }

    private static Schema avro(Registered schema, Map<Reference, Registered> all)
            throws IOException {
        // a name or a default can't harm whoever only reads by the form
        Schema.Parser parser =
                new Schema.Parser(NameValidator.NO_VALIDATION).setValidateDefaults(false);
        try {
            for (Registered referred : all.values()) {
                parser.parse(referred.text());
            }
            return parser.parse(schema.text());
        } catch (AvroRuntimeException | StackOverflowError e) {
            throw new IOException("it is no schema of Avro: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
