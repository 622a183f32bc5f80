package org.tonle.debezium;

import static java.util.Objects.requireNonNull;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Source;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/**
 * What tables of a PostgreSQL database hold, then their changes, in the order of the commits. A
 * line of a body is a change:
 *
 * <pre>
 * {"table":"public.orders","op":"u","seq":"…","tx":123,"at":"…Z","row":{…},"before":{…},"unchanged":"[…]"}
 * </pre>
 *
 * <p>The server keeps its log for the source's replication slot until {@link #committed}. Before
 * the slot is made, a mark says that it is going to be: a slot that nothing is known of belongs to
 * somebody else.
 */
public final class PostgresSource implements Source {
    private static final Logger log = LoggerFactory.getLogger(PostgresSource.class);

    /** A server that is to stop waits for its readers: this notices it, and ends reading. */
    private static final Duration LOOK_EVERY = Duration.ofSeconds(2);

    private static final Duration RELEASE = Duration.ofSeconds(5);

    private final SourceKind.Postgres kind;
    private final Clock clock;
    private final PostgresServer server;
    private final PostgresPublication publication;
    private final Set<String> tables;
    private final Continuity continuity;
    private @Nullable LogState state;
    private boolean repeats;
    private boolean announced;

    /** Dropping what was replaced failed; the next reader tries again. */
    private boolean undroppable;

    private @Nullable ConnectorTask task;
    private @Nullable ChangeBodies bodies;
    private long confirmed;
    private long lookedNanos = System.nanoTime() - LOOK_EVERY.toNanos();

    /** Reads nothing yet. */
    public PostgresSource(SourceKind.Postgres kind, Clock clock) {
        this.kind = kind;
        this.clock = clock;
        this.server = new PostgresServer(kind);
        this.publication = new PostgresPublication(kind, server);
        this.tables = new TreeSet<>();
        kind.tables().forEach(table -> table.outside().ifPresent(tables::add));
        this.continuity = new Continuity(kind, server, publication, tables);
    }

    @Override
    public void begin(Map<String, SourceMark> taken) {
        SourceMark mark = taken.get(ChangeBodies.ITEM);
        server.requireLogical();
        LogState known = mark == null ? null : LogState.of(mark.state());
        if (known != null
                && known.slot().equals(kind.slot())
                && known.phase() == LogState.Phase.STREAM) {
            continuity.requireNoNewTables(known);
            continuity.requireSameTables(known);
        }
        server.requireTables(tables);
        publication.require(tables);
        PostgresServer.Identity identity = server.identity();
        Optional<PostgresServer.Slot> slot = freeSlot();
        if (known != null && !known.slot().equals(kind.slot())) {
            log.info(
                    "{} is read anew, by slot {} instead of {}",
                    PostgresErrors.name(kind),
                    kind.slot(),
                    known.slot());
        }
        if (known == null || !known.slot().equals(kind.slot())) {
            requireNone(slot);
            repeats = known != null;
            // a mark without rows stands one behind its state's unit
            state =
                    beginning(
                            identity,
                            known == null ? 0 : Math.max(known.base() + 1, known.lsn()) + 1,
                            known == null ? Map.of() : replaced(known, identity));
            return;
        }
        announced = true;
        if (known.phase() != LogState.Phase.STREAM) {
            slot.ifPresent(this::dropUnfinished);
            repeats = true;
            state = beginning(identity, known.base(), known.replaced());
            return;
        }
        continuity.requireSameServer(known, identity);
        continuity.requireNothingLost(known, slot);
        Map<String, Long> left = new TreeMap<>(known.replaced());
        left.keySet().removeIf(old -> server.slot(old).isEmpty());
        state = known.withTimeline(identity.timeline()).withReplaced(left);
    }

    /** The server takes a moment to notice that who read it last is gone. */
    private Optional<PostgresServer.Slot> freeSlot() {
        long deadline = System.nanoTime() + RELEASE.toNanos();
        Optional<PostgresServer.Slot> slot = server.slot();
        while (slot.isPresent() && slot.get().active() && System.nanoTime() < deadline) {
            try {
                TimeUnit.MILLISECONDS.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new LakeException(ErrorCode.CANCELLED, "The start was interrupted.", e);
            }
            slot = server.slot();
        }
        return slot;
    }

    private LogState beginning(
            PostgresServer.Identity identity, long base, Map<String, Long> replaced) {
        return new LogState(
                kind.slot(),
                identity.system(),
                identity.timeline(),
                publication.identities(tables),
                LogState.Phase.BEGINNING,
                0,
                base,
                0,
                false,
                replaced);
    }

    /** Of another server nothing is known: whose slots of the same names are there. */
    private Map<String, Long> replaced(LogState known, PostgresServer.Identity identity) {
        if (!identity.system().equals(known.system())) {
            log.info(
                    "{} is another server than that of slot {}: drop the slot there if it is still in use",
                    PostgresErrors.name(kind),
                    known.slot());
            return Map.of();
        }
        Map<String, Long> old = new TreeMap<>(known.replaced());
        server.slot(known.slot())
                .ifPresent(slot ->
                        old.put(
                                known.slot(),
                                known.phase() == LogState.Phase.STREAM
                                        ? known.lsn()
                                        : slot.confirmed()));
        old.remove(kind.slot());
        return old;
    }

    private void requireNone(Optional<PostgresServer.Slot> slot) {
        if (slot.isPresent()) {
            throw new LakeException(
                    ErrorCode.ALREADY_EXISTS,
                    "%s has a slot %s, by which this source has read nothing: it may be another lake's. If nobody needs it drop it (SELECT pg_drop_replication_slot('%s')), else write another slot: into the source's file; then start the lake again."
                            .formatted(PostgresErrors.name(kind), kind.slot(), kind.slot()));
        }
    }

    /** It is ours, and of a snapshot that was cut off. */
    private void dropUnfinished(PostgresServer.Slot slot) {
        if (slot.active()) {
            throw continuity.busy();
        }
        log.info("{} is read from the beginning again", PostgresErrors.name(kind));
        server.dropSlot();
    }

    @Override
    public List<SourceBody> poll(Duration wait) throws InterruptedException {
        LogState from = requireNonNull(state);
        if (!announced) {
            announced = true;
            return List.of(
                    new SourceBody(
                            new SourceMark(
                                    ChangeBodies.ITEM,
                                    LogState.position(from.base(), 0),
                                    from.toJson()),
                            "application/x-ndjson",
                            Map.of(),
                            new byte[0],
                            Optional.empty(),
                            false));
        }
        try {
            return read(from, System.nanoTime() + wait.toNanos());
        } catch (LakeException e) {
            throw e;
        } catch (RuntimeException e) {
            throw PostgresErrors.explain(kind, e);
        }
    }

    private List<SourceBody> read(LogState from, long deadline) throws InterruptedException {
        ConnectorTask reading = task;
        ChangeBodies making = bodies;
        if (reading == null || making == null) {
            reading = start(from);
            making = requireNonNull(bodies);
        }
        while (true) {
            List<SourceRecord> records = reading.poll();
            records.forEach(making::add);
            if (making.isMuch()) {
                return making.take();
            }
            boolean more = records.size() >= ConnectorTask.BATCH;
            if (!more) {
                List<SourceBody> taken = making.take();
                if (!taken.isEmpty() || System.nanoTime() - deadline >= 0) {
                    look(making);
                    return taken;
                }
            }
        }
    }

    private ConnectorTask start(LogState from) {
        boolean snapshot = from.phase() != LogState.Phase.STREAM;
        // of a transaction that was taken in part the changes are counted as they were
        Set<String> captured = from.open() ? from.tables().keySet() : tables;
        ConnectorTask started =
                ConnectorTask.start(
                        kind,
                        captured,
                        snapshot && server.hasLargeValues(tables),
                        snapshot ? null : from.lsn());
        task = started;
        LogState begun =
                snapshot
                        ? from.with(
                                LogState.Phase.SNAPSHOT,
                                server.slot().orElseThrow().confirmed(),
                                from.base(),
                                0,
                                false)
                        : withoutOthers(from);
        confirmed = begun.lsn();
        bodies = new ChangeBodies(begun, tables, repeats, clock);
        return started;
    }

    /** A table that the file doesn't name any more: if it does later, changes are missing. */
    private LogState withoutOthers(LogState from) {
        Map<String, String> kept = new TreeMap<>(from.tables());
        if (from.open()) {
            kept.replaceAll((table, identity) -> tables.contains(table) ? identity : "");
        } else {
            kept.keySet().retainAll(tables);
        }
        return from.withTables(kept);
    }

    /** A database in which nothing changes would hold back the log of a busy server. */
    private void look(ChangeBodies making) {
        long now = System.nanoTime();
        if (now - lookedNanos < LOOK_EVERY.toNanos() || making.inSnapshot()) {
            return;
        }
        lookedNanos = now;
        LogState begun = requireNonNull(state);
        continuity.requireSameTables(begun);
        if (server.timeline().orElse(begun.timeline()) != begun.timeline()) {
            throw new LakeException(
                    ErrorCode.SOURCE_UNAVAILABLE,
                    "%s took over from another one, and is read on after a look at its log."
                            .formatted(PostgresErrors.name(kind)));
        }
        if (server.end() - making.lsn() >= ChangeBodies.WORTH_A_MARK) {
            server.message();
        }
    }

    @Override
    public void committed(Map<String, SourceMark> marks) {
        SourceMark mark = marks.get(ChangeBodies.ITEM);
        ConnectorTask reading = task;
        if (mark == null || reading == null) {
            return;
        }
        LogState known = LogState.of(mark.state());
        if (!known.slot().equals(kind.slot()) || known.phase() != LogState.Phase.STREAM) {
            return;
        }
        dropReplaced();
        if (known.lsn() > confirmed) {
            try {
                reading.confirm(known.lsn());
                confirmed = known.lsn();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Bronze has all rows by this slot: what was left of others is of no use to anybody. That it
     * can't be dropped is no reason to stop reading.
     */
    private void dropReplaced() {
        LogState begun = requireNonNull(state);
        if (undroppable || begun.replaced().isEmpty()) {
            return;
        }
        Map<String, Long> left = new TreeMap<>(begun.replaced());
        try {
            for (Map.Entry<String, Long> old : begun.replaced().entrySet()) {
                if (server.dropUnread(old.getKey(), old.getValue())) {
                    left.remove(old.getKey());
                    log.info(
                            "Slot {} of {} is dropped: slot {} has replaced it",
                            old.getKey(),
                            PostgresErrors.name(kind),
                            kind.slot());
                }
            }
        } catch (LakeException e) {
            undroppable = true;
            log.warn("Slots {} can't be dropped", left.keySet(), e);
        }
        state = begun.withReplaced(left);
    }

    @Override
    public Optional<String> warning() {
        List<String> warnings = new ArrayList<>();
        long held = server.heldBack(kind.slot());
        if (held >= kind.walAlarmBytes()) {
            warnings.add(
                    "slot %s holds back %.1f GB of WAL on %s:%d. Its disk fills up if bronze stays behind: see why, or drop the slot if the source isn't needed."
                            .formatted(kind.slot(), gigabytes(held), kind.host(), kind.port()));
        }
        LogState begun = state;
        if (begun != null) {
            for (String old : new TreeSet<>(begun.replaced().keySet())) {
                if (server.slot(old).filter(slot -> !slot.active()).isPresent()) {
                    warnings.add(
                            "slot %s, which slot %s replaces, still holds back %.1f GB of WAL on %s:%d. It is dropped when bronze has all rows by the new one; if it stays and nobody else reads it, drop it: SELECT pg_drop_replication_slot('%s')."
                                    .formatted(
                                            old,
                                            kind.slot(),
                                            gigabytes(server.heldBack(old)),
                                            kind.host(),
                                            kind.port(),
                                            old));
                }
            }
        }
        return warnings.isEmpty() ? Optional.empty() : Optional.of(String.join(" ", warnings));
    }

    private static double gigabytes(long bytes) {
        return bytes / (double) (1L << 30);
    }

    @Override
    public OptionalLong heldBytes() {
        return OptionalLong.of(server.heldBack(kind.slot()));
    }

    @Override
    public void close() {
        ConnectorTask reading = task;
        task = null;
        try {
            if (reading != null) {
                reading.close();
            }
        } finally {
            server.close();
        }
    }
}
