package org.tonle.ledger;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/**
 * Group commit: one thread takes the commits that are waiting into one transaction, a savepoint for
 * each, so that the order of sequence numbers stays dense and a transaction's cost is shared.
 */
final class Committer implements AutoCloseable {
    /** Reached around the transaction of every group. */
    static final List<String> FAIL_POINTS =
            List.of("commit.before-transaction", "commit.in-transaction", "commit.after-commit");

    private static final Logger log = LoggerFactory.getLogger(Committer.class);
    private static final int LARGEST_GROUP = 64;

    private final DataSource source;
    private final CommitJson json;
    private final FailPoints failPoints;
    private final Duration resolveTimeout;
    private final BlockingQueue<Waiting> queue = new LinkedBlockingQueue<>();
    private final Thread thread;
    private volatile boolean closed;

    private record Waiting(CommitRequest request, CompletableFuture<Long> seq) {}

    Committer(DataSource source, CommitJson json, FailPoints failPoints, Duration resolveTimeout) {
        this.source = source;
        this.json = json;
        this.failPoints = failPoints;
        this.resolveTimeout = resolveTimeout;
        this.thread = Thread.ofPlatform().name("ledger-committer").daemon().unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    CompletableFuture<Long> submit(CommitRequest request) {
        Waiting waiting = new Waiting(request, new CompletableFuture<>());
        queue.add(waiting);
        if (closed && queue.remove(waiting)) {
            waiting.seq.completeExceptionally(closedError());
        }
        return waiting.seq;
    }

    /** Lets the commits that are waiting finish; later ones are refused. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (Waiting waiting : drain(queue.poll())) {
            waiting.seq.completeExceptionally(closedError());
        }
    }

    private static LakeException closedError() {
        return new LakeException(ErrorCode.NOT_READY, "the ledger is closed");
    }

    private void run() {
        while (true) {
            Waiting first;
            try {
                first = closed ? queue.poll() : queue.take();
            } catch (InterruptedException e) {
                // close() interrupts the wait only; what is queued still commits
                continue;
            }
            if (first == null) {
                return;
            }
            List<Waiting> group = drain(first);
            try {
                commit(group);
            } catch (Throwable e) { // nobody may wait for ever, not even after an OutOfMemoryError
                group.forEach(waiting -> waiting.seq.completeExceptionally(e));
            }
        }
    }

    private List<Waiting> drain(@org.jspecify.annotations.Nullable Waiting first) {
        List<Waiting> group = new ArrayList<>();
        if (first != null) {
            group.add(first);
            queue.drainTo(group, LARGEST_GROUP - 1);
        }
        return group;
    }

    private void commit(List<Waiting> group) {
        failPoints.reach("commit.before-transaction");
        List<CommitJson.Answer> answers;
        try (Connection connection = source.getConnection()) {
            connection.setAutoCommit(false);
            answers = apply(connection, group);
            failPoints.reach("commit.in-transaction");
            connection.commit();
        } catch (SQLException e) {
            log.warn("a commit of {} got no answer: {}", group.size(), e.getMessage());
            resolve(group, e);
            return;
        }
        failPoints.reach("commit.after-commit");
        for (int i = 0; i < group.size(); i++) {
            CompletableFuture<Long> seq = group.get(i).seq;
            switch (answers.get(i)) {
                case CommitJson.Answer.Committed committed -> seq.complete(committed.seq());
                case CommitJson.Answer.Refused refused ->
                        seq.completeExceptionally(refused.conflict());
            }
        }
    }

    private List<CommitJson.Answer> apply(Connection connection, List<Waiting> group)
            throws SQLException {
        try (PreparedStatement call =
                connection.prepareStatement("SELECT tonle.commit_group(?::jsonb)::text")) {
            call.setString(1, json.write(group.stream().map(Waiting::request).toList()));
            try (ResultSet row = call.executeQuery()) {
                row.next();
                return json.answers(row.getString(1));
            }
        }
    }

    /** Finds out, for every member of the group, what became of it. */
    private void resolve(List<Waiting> group, SQLException failure) {
        long deadline = System.nanoTime() + resolveTimeout.toNanos();
        for (Waiting waiting : group) {
            UUID id = waiting.request.id();
            try {
                OptionalLong seq = resolve(id, deadline);
                if (seq.isPresent()) {
                    waiting.seq.complete(seq.getAsLong());
                } else {
                    waiting.seq.completeExceptionally(
                            new CommitConflictException(
                                    CommitConflictException.Reason.CLOSED,
                                    "the ledger failed and the commit did not happen ("
                                            + failure.getMessage()
                                            + ")",
                                    id.toString()));
                }
            } catch (LakeException e) {
                waiting.seq.completeExceptionally(e);
            }
        }
    }

    /**
     * The sequence number under which {@code id} committed; empty if it didn't and, from now on,
     * never can. Inserting the id as aborted waits for a transaction that is still in flight, which
     * a plain look-up would not see.
     *
     * @throws LakeException COMMIT_UNKNOWN if the ledger can't be asked before the deadline
     */
    OptionalLong resolve(UUID id, long deadlineNanos) {
        while (true) {
            try (Connection connection = source.getConnection()) {
                connection.setAutoCommit(true);
                return closeOrFind(connection, id);
            } catch (SQLException e) {
                if (Thread.currentThread() == thread) {
                    // Hikari keeps the flag with which close() ended a wait; it would end them all
                    boolean unused = Thread.interrupted();
                }
                if (System.nanoTime() - deadlineNanos >= 0) {
                    throw new LakeException(
                            ErrorCode.COMMIT_UNKNOWN,
                            "whether commit "
                                    + id
                                    + " happened is unknown: the ledger can't be asked ("
                                    + e.getMessage()
                                    + ")",
                            e);
                }
                pause();
            }
        }
    }

    private static OptionalLong closeOrFind(Connection connection, UUID id) throws SQLException {
        try (PreparedStatement close =
                connection.prepareStatement(
                        "INSERT INTO tonle.commit (id, branch, kind, principal, outcome)"
                                + " SELECT ?, id, 'resolve', 'tonle', 'aborted' FROM tonle.branch"
                                + " WHERE name = 'main' ON CONFLICT (id) DO NOTHING")) {
            close.setObject(1, id);
            if (close.executeUpdate() == 1) {
                return OptionalLong.empty();
            }
        }
        try (PreparedStatement find =
                connection.prepareStatement("SELECT seq FROM tonle.commit WHERE id = ?")) {
            find.setObject(1, id);
            try (ResultSet row = find.executeQuery()) {
                if (!row.next()) {
                    throw new SQLException("commit " + id + " vanished while it was looked up");
                }
                long seq = row.getLong(1);
                return row.wasNull() ? OptionalLong.empty() : OptionalLong.of(seq);
            }
        }
    }

    private static void pause() {
        java.util.concurrent.locks.LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }
}
