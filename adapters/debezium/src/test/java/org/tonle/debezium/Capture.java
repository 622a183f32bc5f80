package org.tonle.debezium;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.Secret;
import org.tonle.definition.SourceKind;
import org.tonle.spi.LakeException;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/** Reads a database as the lake does, and remembers all that came, by place. */
final class Capture implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    static final Duration LIMIT = Duration.ofSeconds(90);

    private final SourceKind.Postgres kind;
    private PostgresSource source;
    final List<SourceBody> bodies = new ArrayList<>();

    Capture(SourceKind.Postgres kind) {
        this.kind = kind;
        this.source = new PostgresSource(kind, Clock.systemUTC());
    }

    static SourceKind.Postgres kind(CapturedServer.Database database, String... tables) {
        return of(database, "tonle_" + database.name(), tables);
    }

    static SourceKind.Postgres of(CapturedServer.Database database, String slot, String... tables) {
        List<BronzeDefinition> definitions = new ArrayList<>();
        for (String table : tables) {
            definitions.add(
                    new BronzeDefinition(
                            "shop_" + table.replace('.', '_'),
                            Optional.of(table),
                            List.of(),
                            Optional.empty()));
        }
        return new SourceKind.Postgres(
                "127.0.0.1",
                database.server().port(),
                database.name(),
                database.server().user(),
                Optional.of(new Secret(database.server().password())),
                Map.of(),
                slot,
                "tonle_" + database.name(),
                SourceKind.Postgres.DEFAULT_WAL_ALARM_BYTES,
                definitions);
    }

    /** From the beginning, or behind the last body that came. */
    Capture begin() {
        source.begin(taken());
        return this;
    }

    private Map<String, SourceMark> taken() {
        Map<String, SourceMark> taken = new HashMap<>();
        bodies.forEach(body -> taken.put(body.mark().item(), body.mark()));
        return taken;
    }

    /** Another reader, behind the last body that came. */
    Capture again() {
        source.close();
        source = new PostgresSource(kind, Clock.systemUTC());
        return begin();
    }

    /** As the lake does: a retryable failure is tried again. */
    void againInTime() {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            try {
                again();
                return;
            } catch (LakeException e) {
                if (!e.code().retryable() || System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }

    /**
     * The same, until so many changes came: what was sent away may be in its own way for a while.
     */
    void againUntil(int changes) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            againInTime();
            try {
                until(changes);
                return;
            } catch (LakeException e) {
                if (!e.code().retryable() || System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }

    PostgresSource source() {
        return source;
    }

    /** One look at what there is. */
    List<SourceBody> poll() {
        try {
            List<SourceBody> came = source.poll(Duration.ofMillis(300));
            for (SourceBody body : came) {
                if (!bodies.isEmpty()) {
                    assertThat(body.mark().position())
                            .isGreaterThan(bodies.getLast().mark().position());
                }
                bodies.add(body);
            }
            return came;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Reads until it is so. */
    Capture until(BooleanSupplier enough) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!enough.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(
                        "It isn't so in time; what came is:\n" + end(text(bodies)));
            }
            poll();
        }
        return this;
    }

    /** Reads until so many changes came, all of their transactions whole. */
    Capture until(int changes) {
        return until(() ->
                lines().size() >= changes
                        && !bodies.isEmpty()
                        && !bodies.getLast().continues()
                        && state().phase() == LogState.Phase.STREAM);
    }

    LogState state() {
        return LogState.of(bodies.getLast().mark().state());
    }

    /** Bronze has it all. */
    void commit() {
        source.committed(taken());
    }

    List<JsonNode> lines() {
        return lines(bodies);
    }

    static String text(List<SourceBody> bodies) {
        StringBuilder text = new StringBuilder();
        bodies.forEach(b -> text.append(new String(b.bytes(), StandardCharsets.UTF_8)));
        return text.toString();
    }

    private static String end(String text) {
        return text.substring(Math.max(0, text.length() - 2_000));
    }

    static List<JsonNode> lines(List<SourceBody> bodies) {
        List<JsonNode> lines = new ArrayList<>();
        for (SourceBody body : bodies) {
            for (String line : new String(body.bytes(), StandardCharsets.UTF_8).split("\n")) {
                if (!line.isEmpty()) {
                    try {
                        lines.add(JSON.readTree(line));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            }
        }
        return lines;
    }

    @Override
    public void close() {
        source.close();
    }
}
