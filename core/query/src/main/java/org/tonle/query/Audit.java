package org.tonle.query;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ledger.AuditRecord;
import org.tonle.ledger.Listings;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/**
 * Writes down every statement: who asked, what, and what became of it. A statement begins only when
 * there is room for its record, and gives the room back when the record is in the ledger; so while
 * the ledger takes none, statements are refused sooner or later, and none goes by unseen. Records
 * are written in batches beside the answers. A process that is killed loses those of its last
 * moment, and of what was running then. Thread-safe.
 */
public final class Audit implements AutoCloseable {
    /** Of a longer statement only this many characters are kept, and the hash of all. */
    static final int MOST_TEXT = 64 << 10;

    private static final Logger LOG = LoggerFactory.getLogger(Audit.class);

    /** Unwritten text, in units of 1,024 characters. */
    private static final int ROOM = 16 << 10;

    private static final int BATCH = 500;
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final Duration TO_DRAIN = Duration.ofSeconds(8);

    private final Listings ledger;
    private final Clock clock;
    private final Semaphore room;
    private final LinkedBlockingQueue<Done> queue = new LinkedBlockingQueue<>();
    private final Set<Entry> running = ConcurrentHashMap.newKeySet();
    private final Thread writer;
    private volatile boolean closing;
    private volatile boolean complete;

    private record Done(AuditRecord record, int units) {}

    private Audit(Listings ledger, Clock clock, int room) {
        this.ledger = ledger;
        this.clock = clock;
        this.room = new Semaphore(room, true);
        this.writer = Thread.ofPlatform().daemon().name("tonle-audit").unstarted(this::write);
    }

    /** Starts writing. */
    public static Audit start(Listings ledger, Clock clock) {
        return start(ledger, clock, ROOM);
    }

    static Audit start(Listings ledger, Clock clock, int room) {
        Audit audit = new Audit(ledger, clock, room);
        audit.writer.start();
        return audit;
    }

    /**
     * Takes a statement in.
     *
     * @throws LakeException OVERLOADED if the audit can't take it now, NOT_READY once it is closed:
     *     the statement must not be run
     */
    Entry begin(String statement, Principal principal) {
        int units = 1 + Math.min(statement.length(), MOST_TEXT) / 1024;
        try {
            if (!room.tryAcquire(units, PATIENCE.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new LakeException(
                        ErrorCode.OVERLOADED,
                        "The statement was not run, because the audit can't be written now; try"
                                + " again later, and see whether the ledger can be reached");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LakeException(ErrorCode.CANCELLED, "Interrupted before the query began", e);
        }
        Entry entry = new Entry(statement, principal, units);
        running.add(entry);
        if (closing && running.remove(entry)) {
            room.release(units);
            throw new LakeException(
                    ErrorCode.NOT_READY, "The lake is stopping and takes no statement any more");
        }
        return entry;
    }

    /** The statements that run in this process, the oldest first. */
    List<Entry> running() {
        return running.stream().sorted(Comparator.comparing(Entry::started)).toList();
    }

    /** A statement that runs. Ends once; what is said after that doesn't count. */
    final class Entry implements QueryObserver {
        private final UUID id = UUID.randomUUID();
        private final Instant started = clock.instant();
        private final long from = System.nanoTime();
        private final String statement;
        private final Principal principal;
        private final int units;
        private final AtomicBoolean ended = new AtomicBoolean();
        private volatile List<String> tables = List.of();
        private volatile OptionalLong seq = OptionalLong.empty();

        private Entry(String statement, Principal principal, int units) {
            this.statement = statement;
            this.principal = principal;
            this.units = units;
        }

        UUID id() {
            return id;
        }

        Instant started() {
            return started;
        }

        String principal() {
            return principal.name();
        }

        String statement() {
            return kept(statement);
        }

        OptionalLong seq() {
            return seq;
        }

        /** Which commit is read. */
        void pinned(long at) {
            seq = OptionalLong.of(at);
        }

        /** Which tables are read. */
        void reads(List<String> names) {
            tables = List.copyOf(names);
        }

        @Override
        public void finished(long rows) {
            end("FINISHED", Optional.empty(), rows);
        }

        @Override
        public void failed(Throwable error, long rows) {
            ErrorCode code =
                    error instanceof LakeException known ? known.code() : ErrorCode.INTERNAL;
            end(code.name(), Optional.of(String.valueOf(error.getMessage())), rows);
        }

        @Override
        public void left(long rows) {
            end(ErrorCode.CANCELLED.name(), Optional.empty(), rows);
        }

        private void end(String outcome, Optional<String> error, long rows) {
            if (!ended.compareAndSet(false, true)) {
                return;
            }
            String text = kept(statement);
            queue.add(
                    new Done(
                            new AuditRecord(
                                    id,
                                    started,
                                    principal.name(),
                                    text,
                                    text.length() < statement.length()
                                            ? Optional.of(sha256(statement))
                                            : Optional.empty(),
                                    tables,
                                    seq,
                                    rows,
                                    Duration.ofNanos(System.nanoTime() - from),
                                    outcome,
                                    error.map(Audit::kept)),
                            units));
            running.remove(this);
        }
    }

    private static String kept(String text) {
        if (text.length() <= MOST_TEXT) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(MOST_TEXT - 1)) ? MOST_TEXT - 1 : MOST_TEXT;
        return text.substring(0, end);
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(
                            MessageDigest.getInstance("SHA-256")
                                    .digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private void write() {
        List<Done> batch = new ArrayList<>();
        long patience = Long.MAX_VALUE;
        while (!complete || !queue.isEmpty() || !batch.isEmpty()) {
            if (complete && patience == Long.MAX_VALUE) {
                patience = System.nanoTime() + TO_DRAIN.toNanos();
            }
            try {
                if (batch.isEmpty()) {
                    Done first = queue.poll(50, TimeUnit.MILLISECONDS);
                    if (first == null) {
                        continue;
                    }
                    batch.add(first);
                    queue.drainTo(batch, BATCH - 1);
                }
                ledger.audit(batch.stream().map(Done::record).toList());
                room.release(batch.stream().mapToInt(Done::units).sum());
                batch.clear();
            } catch (RuntimeException e) {
                if (complete && System.nanoTime() - patience > 0) {
                    LOG.error(
                            "{} statements can't be written to the audit before the lake stops: {}",
                            batch.size() + queue.size(),
                            e.getMessage());
                    return;
                }
                LOG.warn("The audit can't be written now, and is tried again: {}", e.getMessage());
                java.util.concurrent.locks.LockSupport.parkNanos(Duration.ofMillis(500).toNanos());
            } catch (InterruptedException e) {
                // nobody has a reason to; what is queued is written all the same
                LOG.debug("interrupted", e);
            }
        }
    }

    /**
     * Takes no more statements and writes all that were taken; what still runs counts as cancelled.
     * Waits a few seconds at most; what can't be written then is logged by its number.
     */
    @Override
    public void close() {
        closing = true;
        running.forEach(entry -> entry.left(0));
        complete = true;
        try {
            writer.join(TO_DRAIN.plus(PATIENCE));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
