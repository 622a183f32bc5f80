package org.tonle.query;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.AuditRecord;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/** A statement that waits or runs. Ends once; what is said after that doesn't count. */
final class AuditEntry implements QueryObserver {
    private final Audit audit;
    private final AuditRecord begun;
    private final NoteFile.Note note;
    private final int units;
    private final long from = System.nanoTime();
    private final AtomicBoolean ended = new AtomicBoolean();
    private volatile List<String> tables = List.of();
    private volatile OptionalLong seq = OptionalLong.empty();
    private @Nullable Thread worker;
    private @Nullable Runnable onCancel;
    private boolean cancelled;

    /**
     * @param begun what is known of it from the beginning
     * @param units of room that its record takes
     */
    AuditEntry(Audit audit, AuditRecord begun, NoteFile.Note note, int units) {
        this.audit = audit;
        this.begun = begun;
        this.note = note;
        this.units = units;
    }

    UUID id() {
        return begun.id();
    }

    Instant started() {
        return begun.started();
    }

    /** The name of who asked. */
    String principal() {
        return begun.principal();
    }

    /** Its text, or the beginning of a long one. */
    String statement() {
        return begun.statement();
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

    boolean mayBeCancelledBy(Principal who) {
        return who.isAdmin() || who.name().equals(principal());
    }

    /** That it has begun, on its way to the disk. */
    static final class Forced {
        private final CompletableFuture<Void> done;

        private Forced(CompletableFuture<Void> done) {
            this.done = done;
        }

        /**
         * Waits for it, also if the thread is interrupted.
         *
         * @throws LakeException STORAGE: nothing of its answer may be sent
         */
        void await() {
            try {
                done.join();
            } catch (CompletionException e) {
                throw e.getCause() instanceof LakeException known
                        ? new LakeException(known.code(), String.valueOf(known.getMessage()), known)
                        : e;
            }
        }
    }

    /** Forces its note to the disk, which the engine needn't wait for. */
    Forced force() {
        // by a thread of its own: an interrupt would close the file
        return new Forced(
                CompletableFuture.runAsync(
                        () -> audit.begun().force(note), Thread::startVirtualThread));
    }

    /**
     * That the calling thread works on it, until it is closed: cancelling interrupts the thread.
     */
    Work work() {
        return new Work(Thread.currentThread());
    }

    /** See {@link #work}. To be closed by the thread that made it. */
    final class Work implements AutoCloseable {
        private Work(Thread thread) {
            synchronized (AuditEntry.this) {
                worker = thread;
                if (cancelled) {
                    thread.interrupt();
                }
            }
        }

        /** Cancelling does something else from now on. */
        void goesOn(Runnable cancel) {
            synchronized (AuditEntry.this) {
                onCancel = cancel;
            }
        }

        @Override
        public void close() {
            synchronized (AuditEntry.this) {
                worker = null;
                if (cancelled) {
                    // the interrupt was meant for the statement
                    boolean unused = Thread.interrupted();
                    if (onCancel != null) {
                        onCancel.run();
                    }
                }
            }
        }
    }

    synchronized void cancel() {
        cancelled = true;
        if (worker != null) {
            worker.interrupt();
        } else if (onCancel != null) {
            onCancel.run();
        }
    }

    @Override
    public void finished(long rows) {
        end("FINISHED", Optional.empty(), rows);
    }

    @Override
    public void failed(Throwable error, long rows) {
        ErrorCode code = error instanceof LakeException known ? known.code() : ErrorCode.INTERNAL;
        end(code.name(), Optional.of(String.valueOf(error.getMessage())), rows);
    }

    @Override
    public void left(long rows) {
        end(ErrorCode.CANCELLED.name(), Optional.empty(), rows);
    }

    private void end(String outcome, Optional<String> error, long rows) {
        if (ended.compareAndSet(false, true)) {
            AuditRecord record =
                    new AuditRecord(
                            begun.id(),
                            begun.started(),
                            begun.principal(),
                            begun.statement(),
                            begun.sha256(),
                            tables,
                            seq,
                            OptionalLong.of(rows),
                            Optional.of(Duration.ofNanos(System.nanoTime() - from)),
                            outcome,
                            error.map(Audit::kept));
            audit.ended(this, new AuditWriter.Done(record, units, note));
        }
    }
}
