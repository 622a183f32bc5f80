package org.tonle.debezium;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/**
 * Makes bodies of what Debezium tells, in the order in which it tells it: that of the commits.
 *
 * <p>A change is numbered by the place behind the transaction that was committed before its own,
 * and by how many changes of its own stand before it. Both are the same whenever the database's log
 * is read again, if it is read from where a transaction ends. So it is always read from there, and
 * of the first transaction as many changes are left as were taken. The places of the changes
 * themselves wouldn't do: transactions that run at once write theirs among each other's, and the
 * rows of one {@code COPY} share one.
 *
 * <p>That a transaction has ended is seen when the next one begins, or in Debezium's heartbeats.
 */
final class ChangeBodies {
    /** The one thing with an order of its own. */
    static final String ITEM = "log";

    /** Bodies end when they are as long, or when nothing more comes. */
    private static final int BODY_BYTES = 1 << 20;

    /** Longer lines aren't taken. */
    private static final int LONGEST_LINE = 16 << 20;

    /** A place is remembered on its own when the database's log has grown by as much. */
    static final long WORTH_A_MARK = 16L << 20;

    private static final String NDJSON = "application/x-ndjson";
    private static final String SNAPSHOT = "snapshot";
    private static final String COMMITTED = "lsn_commit";
    private static final int MOST_SHAPES = 4096;

    private final Set<String> wanted;
    private final Clock clock;
    private final boolean repeated;
    private final IdentityHashMap<Schema, TableChanges> shapes = new IdentityHashMap<>();
    private final JsonBytes pending = new JsonBytes();
    private final List<SourceBody> ready = new ArrayList<>();

    private LogState state;
    private boolean snapshotBegun;

    /** Up to here the unit was taken before. */
    private final long skipBase;

    private final long skipIndex;

    private boolean continued;
    private long markedLsn;

    /**
     * @param state from where Debezium goes on
     * @param wanted the tables whose changes are of interest
     * @param repeated whether bronze may have rows that the snapshot repeats
     */
    ChangeBodies(LogState state, Set<String> wanted, boolean repeated, Clock clock) {
        this.wanted = new TreeSet<>(wanted);
        this.repeated = repeated;
        this.clock = clock;
        this.skipBase = state.base();
        this.skipIndex = state.index();
        this.continued = state.open();
        this.markedLsn = state.lsn();
        this.state = state.with(state.phase(), state.lsn(), state.base(), 0, state.open());
    }

    /** Whether the tables' rows are still being read. */
    boolean inSnapshot() {
        return state.phase() == LogState.Phase.SNAPSHOT;
    }

    /** Where the last transaction that was read to its end ends. */
    long lsn() {
        return state.lsn();
    }

    /** Adds what came next. */
    void add(SourceRecord record) {
        Map<String, ?> offset = record.sourceOffset();
        boolean ofSnapshot = offset.containsKey(SNAPSHOT);
        if (!ofSnapshot) {
            if (inSnapshot()) {
                endSnapshot();
            }
            if (offset.get(COMMITTED) instanceof Long committed && committed > state.lsn()) {
                ended(committed);
            }
        }
        if (record.value() instanceof Struct change && change.schema().field("op") != null) {
            TableChanges table = shape(record);
            if (table != null) {
                if (ofSnapshot) {
                    beginSnapshot();
                } else if (!state.open()) {
                    unit(state.lsn(), true);
                }
                change(record, change, table);
            }
        }
    }

    /** What is complete, or too much to wait for the rest of it. */
    List<SourceBody> take() {
        if (pending.size() > 0 && (!state.open() || inSnapshot())) {
            flush();
        } else if (!state.open()
                && !inSnapshot()
                && (continued || state.lsn() - markedLsn >= WORTH_A_MARK)) {
            mark();
        }
        List<SourceBody> taken = List.copyOf(ready);
        ready.clear();
        return taken;
    }

    /** Whether what is ready is enough for once. */
    boolean isMuch() {
        return ready.size() >= 8;
    }

    private void change(SourceRecord record, Struct change, TableChanges table) {
        long index = state.index() + 1;
        state = state.with(state.phase(), state.lsn(), state.base(), index, state.open());
        boolean taken = state.base() < skipBase || (state.base() == skipBase && index <= skipIndex);
        if (taken || !wanted.contains(table.table())) {
            return;
        }
        Struct key = (Struct) record.key();
        long length = line(change, key, table, true);
        if (length > LONGEST_LINE) {
            // the row as it was needn't be told
            length = line(change, key, table, false);
        }
        if (length > LONGEST_LINE) {
            tooLong(record, change, table, length);
        } else if (pending.size() >= BODY_BYTES) {
            flush();
        }
    }

    /**
     * Writes a change, unless it is too long.
     *
     * @param whole with the row as it was before
     * @return how long it is, or would be at least
     */
    private long line(Struct change, @Nullable Struct key, TableChanges table, boolean whole) {
        long least = table.least(change, key, whole);
        if (least > LONGEST_LINE) {
            return least;
        }
        int from = pending.size();
        table.line(change, key, whole, state.base(), state.index(), pending);
        int length = pending.size() - from;
        if (length > LONGEST_LINE) {
            pending.cut(from);
        }
        return length;
    }

    private void tooLong(SourceRecord record, Struct change, TableChanges table, long length) {
        long index = state.index();
        if (pending.size() > 0) {
            state = state.with(state.phase(), state.lsn(), state.base(), index - 1, state.open());
            flushContinuing();
            state = state.with(state.phase(), state.lsn(), state.base(), index, state.open());
        }
        table.keyOnly(change, (Struct) record.key(), state.base(), index, pending);
        body(
                pending.take(),
                Map.of("table", table.table()),
                Optional.of(
                        "the row has %,d bytes or more as JSON, and at most %,d are taken; only its key is here"
                                .formatted(length, LONGEST_LINE)),
                true);
    }

    private @Nullable TableChanges shape(SourceRecord record) {
        TableChanges known = shapes.get(record.valueSchema());
        if (known == null) {
            if (((Struct) record.value()).schema().field("before") == null) {
                // a message that somebody wrote into the database's log
                return null;
            }
            if (shapes.size() >= MOST_SHAPES) {
                shapes.clear();
            }
            known = new TableChanges(record);
            shapes.put(record.valueSchema(), known);
        }
        return known;
    }

    /** The next unit's number is greater than that of the last one, and the same each time. */
    private void unit(long at, boolean open) {
        state = state.with(state.phase(), state.lsn(), Math.max(at, state.base() + 1), 0, open);
    }

    /** What many bodies hold ends with one: large transactions in a row aren't one larger one. */
    private void ended(long lsn) {
        state = state.with(state.phase(), lsn, state.base(), state.index(), false);
        if (continued && pending.size() > 0) {
            flush();
        } else if (continued) {
            mark();
        }
    }

    private void beginSnapshot() {
        if (snapshotBegun) {
            return;
        }
        snapshotBegun = true;
        unit(state.lsn(), false);
        if (repeated) {
            Instant now = clock.instant();
            long micros = TimeUnit.SECONDS.toMicros(now.getEpochSecond()) + now.getNano() / 1_000;
            for (String table : wanted) {
                long index = state.index() + 1;
                TableChanges.truncation(table, state.base(), index, micros, pending);
                state = state.with(state.phase(), state.lsn(), state.base(), index, false);
            }
        }
    }

    private void endSnapshot() {
        beginSnapshot();
        state = state.with(LogState.Phase.STREAM, state.lsn(), state.base(), state.index(), false);
        if (pending.size() > 0) {
            flush();
        } else {
            // that it is whole is to be known even if it had no row
            mark();
        }
    }

    private void flush() {
        boolean whole = !state.open() && !(inSnapshot() && repeated);
        body(pending.take(), Map.of(), Optional.empty(), !whole);
    }

    private void flushContinuing() {
        body(pending.take(), Map.of(), Optional.empty(), true);
    }

    /** Nothing but a place. */
    private void mark() {
        markedLsn = state.lsn();
        continued = false;
        long base = Math.max(state.lsn(), state.base() + 1);
        ready.add(
                new SourceBody(
                        new SourceMark(ITEM, LogState.position(base, 0), state.toJson()),
                        NDJSON,
                        Map.of(),
                        new byte[0],
                        Optional.empty(),
                        false));
    }

    private void body(
            byte[] bytes, Map<String, String> headers, Optional<String> problem, boolean goesOn) {
        markedLsn = state.lsn();
        continued = goesOn;
        ready.add(
                new SourceBody(
                        new SourceMark(
                                ITEM,
                                LogState.position(state.base(), state.index()),
                                state.toJson()),
                        NDJSON,
                        headers,
                        bytes,
                        problem,
                        goesOn));
    }
}
