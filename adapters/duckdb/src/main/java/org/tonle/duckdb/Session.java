package org.tonle.duckdb;

import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.duckdb.DuckDBConnection;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.QueryLimits;

/** One connection for one piece of work, which can be stopped from any thread. */
final class Session implements AutoCloseable {
    private final Workers workers;
    private final DuckDBConnection connection;
    private final Runnable onClose;
    private final AtomicReference<@Nullable LakeException> stopped = new AtomicReference<>();
    private @Nullable ScheduledFuture<?> deadline;
    private volatile @Nullable Statement running;

    Session(Workers workers, DuckDBConnection connection, Runnable onClose) {
        this.workers = workers;
        this.connection = connection;
        this.onClose = onClose;
    }

    DuckDBConnection connection() {
        return connection;
    }

    /** Ends whatever runs when the time is over. */
    void limit(QueryLimits limits) {
        deadline =
                workers.after(
                        limits.left(),
                        () ->
                                stop(
                                        new LakeException(
                                                ErrorCode.TIMEOUT,
                                                "The statement took longer than "
                                                        + limits.timeout()
                                                        + "; ask for less, or allow more time")));
    }

    /** Ends whatever runs, and whatever would, with {@code why}. The first reason holds. */
    void stop(LakeException why) {
        stopped.compareAndSet(null, why);
        cancelRunning();
    }

    private void cancelRunning() {
        Statement statement = running;
        if (statement != null) {
            try {
                statement.cancel();
            } catch (SQLException e) {
                // it has ended by itself, which is what was wanted
                running = null;
            }
        }
    }

    /** Work inside DuckDB. */
    interface Work<T> {
        T run() throws Exception;
    }

    /** Runs work in one of the workers' threads. */
    <T> T call(Work<T> work) {
        return workers.call(
                () -> {
                    try {
                        checkStopped();
                        return work.run();
                    } catch (Exception e) {
                        LakeException why = stopped.get();
                        throw why != null ? why : DuckErrors.of(e);
                    }
                },
                () -> stop(new LakeException(ErrorCode.CANCELLED, "The statement was cancelled")));
    }

    /** Makes a statement the one that {@link #stop} ends. Only inside {@link #call}. */
    Statement statement() throws SQLException {
        Statement statement = connection.createStatement();
        running = statement;
        checkStopped();
        return statement;
    }

    /** Runs one statement for its effect. Only inside {@link #call}. */
    void execute(String sql) throws SQLException {
        try (Statement statement = statement()) {
            statement.execute(sql);
        }
    }

    /** Throws why the session was stopped, if it was: rows that end then may not be all. */
    void checkStopped() {
        LakeException why = stopped.get();
        if (why != null) {
            throw why;
        }
    }

    @Override
    public void close() {
        ScheduledFuture<?> timer = deadline;
        if (timer != null) {
            timer.cancel(false);
        }
        try {
            connection.close();
        } catch (SQLException e) {
            throw DuckErrors.of(e);
        } finally {
            onClose.run();
        }
    }
}
