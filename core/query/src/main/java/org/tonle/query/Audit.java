package org.tonle.query;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ledger.AuditRecord;
import org.tonle.ledger.AuditTrail;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/**
 * Writes down every statement: who asked, what, and what became of it. A statement is noted in a
 * file before anything works on it, and that file is forced to the disk before a row leaves that an
 * engine has worked out; its record follows in the ledger within a moment. What a process that was
 * killed has noted and not recorded is recorded by the next one, as {@link AuditRecord#LOST}.
 *
 * <p>A statement begins only when there is room for its record, and gives the room back when the
 * record is in the ledger; so while the ledger takes none, statements are refused sooner or later,
 * and none goes by unseen. Thread-safe.
 */
public final class Audit implements AutoCloseable {
    /** Of a longer statement only this many characters are kept, and the hash of all. */
    static final int MOST_TEXT = 64 << 10;

    private static final Logger LOG = LoggerFactory.getLogger(Audit.class);

    /** Unwritten text, in units of 1,024 characters. */
    private static final int ROOM = 16 << 10;

    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final BegunStatements begun;
    private final AuditWriter writer;
    private final Clock clock;
    private final Semaphore room;
    private final Map<UUID, AuditEntry> running = new ConcurrentHashMap<>();
    private volatile boolean closing;

    private Audit(
            AuditTrail ledger, BegunStatements begun, Duration retention, Clock clock, int room) {
        this.begun = begun;
        this.clock = clock;
        this.room = new Semaphore(room, true);
        this.writer = new AuditWriter(ledger, retention, clock, this::recorded);
    }

    /**
     * Records what the last process has left, and starts.
     *
     * @param directory where statements are noted, of this process alone
     * @param retention after which records are removed
     * @throws LakeException STORAGE or LEDGER_UNAVAILABLE
     */
    public static Audit start(AuditTrail ledger, Path directory, Duration retention, Clock clock) {
        return start(ledger, directory, retention, clock, ROOM);
    }

    static Audit start(
            AuditTrail ledger, Path directory, Duration retention, Clock clock, int room) {
        BegunStatements begun =
                BegunStatements.open(
                        directory,
                        lost -> {
                            ledger.add(lost);
                            LOG.warn(
                                    "{} statements were noted by a process that was killed; those that it"
                                            + " hadn't recorded are LOST in system.audit",
                                    lost.size());
                        });
        Audit audit = new Audit(ledger, begun, retention, clock, room);
        audit.writer.start();
        return audit;
    }

    /**
     * Takes a statement in.
     *
     * @throws LakeException OVERLOADED or STORAGE if the audit can't take it now, NOT_READY once it
     *     is closed: the statement must not be run
     */
    AuditEntry begin(String statement, Principal principal) {
        int units = 1 + Math.min(statement.length(), MOST_TEXT) / 1024;
        take(units);
        AuditEntry entry;
        try {
            if (closing) {
                throw stopping();
            }
            String text = kept(statement);
            AuditRecord known =
                    BegunStatements.lost(
                            UUID.randomUUID(),
                            clock.instant(),
                            principal.name(),
                            text,
                            text.length() < statement.length()
                                    ? Optional.of(sha256(statement))
                                    : Optional.empty());
            entry = new AuditEntry(this, known, begun.note(known), units);
        } catch (RuntimeException | Error e) {
            room.release(units);
            throw e;
        }
        running.put(entry.id(), entry);
        if (closing && running.containsKey(entry.id())) {
            LakeException refused = stopping();
            entry.failed(refused, 0);
            throw refused;
        }
        return entry;
    }

    private static LakeException stopping() {
        return new LakeException(
                ErrorCode.NOT_READY, "The lake is stopping and takes no statement any more");
    }

    private void take(int units) {
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
    }

    /** The statements that wait or run in this process, the oldest first. */
    Stream<AuditEntry> running() {
        return running.values().stream()
                .sorted(Comparator.comparing(AuditEntry::started).thenComparing(AuditEntry::id));
    }

    /** One that waits or runs. */
    Optional<AuditEntry> running(UUID id) {
        return Optional.ofNullable(running.get(id));
    }

    BegunStatements begun() {
        return begun;
    }

    void ended(AuditEntry entry, AuditWriter.Done done) {
        writer.add(done);
        running.remove(entry.id());
    }

    private void recorded(AuditWriter.Done done) {
        begun.forget(done.note());
        room.release(done.units());
    }

    static String kept(String text) {
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

    /**
     * Takes no more statements and writes all that were taken; what still runs counts as cancelled.
     * Waits a few seconds at most; what can't be written then is recorded by the next process.
     */
    @Override
    public void close() {
        closing = true;
        running.values().forEach(entry -> entry.left(0));
        writer.close();
        begun.close();
    }
}
