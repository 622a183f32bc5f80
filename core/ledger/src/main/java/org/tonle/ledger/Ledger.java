package org.tonle.ledger;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jdbi.v3.core.Jdbi;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.SourceMark;

/**
 * The ledger of one lake. Safe for use by many threads; several processes may share one ledger.
 *
 * <p>Every method throws {@link LakeException} with LEDGER_UNAVAILABLE when PostgreSQL can't be
 * asked. Sequence numbers grow by one with every commit of a branch, without gaps; 0 is the empty
 * lake.
 */
public final class Ledger implements AutoCloseable {
    public static final String MAIN = "main";

    private final HikariDataSource pool;
    private final LedgerRows rows;
    private final Committer committer;
    private final KnownHead head;
    private final UUID id;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition committed = lock.newCondition();

    private Ledger(LedgerConfig config, FailPoints failPoints) {
        HikariConfig settings = new HikariConfig();
        settings.setPoolName("ledger");
        settings.setJdbcUrl(config.url());
        settings.setUsername(config.user());
        settings.setPassword(config.password());
        settings.setMaximumPoolSize(config.poolSize());
        settings.setMinimumIdle(1);
        settings.setConnectionTimeout(5_000);
        settings.setInitializationFailTimeout(10_000);
        // a process stopped inside its transaction must not block the one that takes over
        settings.setConnectionInitSql(
                "SET idle_in_transaction_session_timeout = '1s'; SET lock_timeout = '10s';"
                        + " SET statement_timeout = '60s'; SET TIME ZONE 'UTC'");
        settings.addDataSourceProperty("ApplicationName", "tonle");
        settings.addDataSourceProperty("socketTimeout", "90");
        settings.addDataSourceProperty("tcpKeepAlive", "true");
        try {
            this.pool = new HikariDataSource(settings);
        } catch (RuntimeException e) {
            throw new LakeException(
                    ErrorCode.LEDGER_UNAVAILABLE,
                    "the ledger at " + config.url() + " can't be reached: " + e.getMessage(),
                    e);
        }
        try {
            this.id = new LedgerSchema(pool, config).prepare();
        } catch (RuntimeException e) {
            pool.close();
            throw e;
        }
        CommitJson json = new CommitJson();
        this.rows = new LedgerRows(Jdbi.create(pool), json);
        this.head = new KnownHead(rows::head);
        this.committer = new Committer(pool, json, failPoints, config.resolveTimeout());
    }

    /** Connects, brings the schema up to date, and refuses a server that isn't durable. */
    public static Ledger open(LedgerConfig config, FailPoints failPoints) {
        Ledger ledger = new Ledger(config, failPoints);
        ledger.committer.start();
        return ledger;
    }

    /** The lake's API keys. */
    public ApiKeys apiKeys() {
        return new ApiKeys(rows);
    }

    /** Which of the lake's sources are paused. */
    public SourceSwitches sourceSwitches() {
        return new SourceSwitches(rows);
    }

    /** Which states are kept, and which files are to go. */
    public Retention retention() {
        return new Retention(rows);
    }

    /** What the ledger holds for those who watch the lake. */
    public Listings listings() {
        return new Listings(rows);
    }

    /** Its records of statements. */
    public AuditTrail audit() {
        return new AuditTrail(rows);
    }

    /** Names of the fail points that a commit reaches. */
    public static List<String> failPoints() {
        return Committer.FAIL_POINTS;
    }

    /** Tells this ledger from every other; part of a position's identity for clients. */
    public UUID id() {
        return id;
    }

    /**
     * Commits all of {@code request}, or nothing. Asking again with the id of a commit that
     * happened answers its sequence number.
     *
     * @return the commit's sequence number
     * @throws CommitConflictException if something it is based on has changed; it did not happen
     * @throws LakeException COMMIT_UNKNOWN if it may have happened and can't be found out now
     */
    public long commit(CommitRequest request) {
        long seq;
        try {
            seq = committer.submit(request).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof CommitConflictException conflict) {
                throw new CommitConflictException(conflict);
            }
            if (e.getCause() instanceof LakeException lake) {
                throw new LakeException(lake.code(), String.valueOf(lake.getMessage()), lake);
            }
            // not known to have been refused
            throw new LakeException(
                    ErrorCode.COMMIT_UNKNOWN, "the commit got no answer: " + e.getCause(), e);
        }
        var unused = head.seen(seq);
        signal();
        return seq;
    }

    /**
     * Finds out what became of a commit, closing its id if it didn't happen: afterwards it never
     * can, so that files named after it may be removed.
     */
    public OptionalLong resolve(UUID commit, Duration timeout) {
        return committer.resolve(commit, System.nanoTime() + timeout.toNanos());
    }

    /** The sequence number of the newest commit. */
    public long head() {
        return head.exact();
    }

    /**
     * A recent head, mostly without asking PostgreSQL: no commit is missing that was made through
     * this object, or by whomever more than {@code age} ago.
     */
    public long head(Duration age) {
        return head.exactWithin(age);
    }

    /**
     * The sequence number of the newest commit at a time, by the ledger's clock, however long ago;
     * 0 if none. Where that clock was set back by a minute at most, the last one that it made by
     * then.
     */
    public long seqAt(Instant time) {
        return rows.seqAt(time);
    }

    /**
     * Waits until the head has passed {@code seq}, at most {@code timeout}; commits of other
     * processes are noticed within a quarter of a second.
     *
     * @return the head, which is not beyond {@code seq} if the time is over
     */
    public long awaitHeadBeyond(long seq, Duration timeout) throws InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            long newest = head();
            long left = deadline - System.nanoTime();
            if (newest > seq || left <= 0) {
                return newest;
            }
            lock.lockInterruptibly();
            try {
                var unused =
                        committed.awaitNanos(Math.min(left, TimeUnit.MILLISECONDS.toNanos(250)));
            } finally {
                lock.unlock();
            }
        }
    }

    private void signal() {
        lock.lock();
        try {
            committed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The live pointer of a name. */
    public Optional<Ref> ref(String namespace, String name) {
        return rows.ref(namespace, name);
    }

    /** What a name pointed to when {@code seq} was the head. */
    public Optional<Ref> refAt(String namespace, String name, long seq) {
        return rows.refAt(namespace, name, seq);
    }

    /** All pointers when {@code seq} was the head, by namespace and name. */
    public List<Ref> refsAt(long seq) {
        return rows.refsAt(seq);
    }

    /** The live pointers of one namespace, by name. */
    public List<Ref> refs(String namespace, RefKind kind) {
        return rows.refs(namespace, kind);
    }

    /** The live namespaces with their properties, by name. */
    public Map<String, Map<String, String>> namespaces() {
        return rows.namespaces();
    }

    /** What happened to one table in (after, upTo], in order. */
    public List<Change> changes(UUID table, long after, long upTo) {
        return changes(table, after, upTo, Integer.MAX_VALUE);
    }

    /** The same, and no more than the first {@code most}. */
    public List<Change> changes(UUID table, long after, long upTo, int most) {
        return rows.changes(table, after, upTo, most);
    }

    /** The commits in (after, upTo], in order. */
    public List<CommitRecord> commits(long after, long upTo) {
        return rows.commits(after, upTo);
    }

    /** A commit that happened, by its id. */
    public Optional<CommitRecord> committed(UUID id) {
        return rows.commit(id);
    }

    /** Whether any table's metadata, now or before, lies at a location that begins so. */
    public boolean wasBelow(String location) {
        return rows.wasBelow(location);
    }

    /** A consumer's positions by partition; a partition it never read is absent. */
    public Map<Integer, LogPosition> logPositions(String consumer) {
        return rows.logPositions(consumer);
    }

    /** How far what a source reads was taken, by item: the marks that bronze has. */
    public Map<String, SourceMark> sourceMarks(String source) {
        return rows.sourceMarks(source);
    }

    /** How far a dataset has read each input table, in sequence numbers. */
    public Map<UUID, Long> datasetPositions(String dataset) {
        return rows.datasetPositions(dataset);
    }

    /** The newest version of every definition, by name. */
    public Map<String, Definition> definitions() {
        return rows.definitions();
    }

    /** All results of a dataset's expectations in (after, upTo], summed up by expectation. */
    public List<CommitRequest.ExpectationResult> expectations(
            String dataset, long after, long upTo) {
        return rows.expectations(dataset, after, upTo);
    }

    /** What {@link #pinned(String, String)} was given first; empty if it never was. */
    public Optional<String> pinned(String key) {
        return rows.read(handle ->
                handle.createQuery("SELECT value FROM tonle.meta WHERE key = :key")
                        .bind("key", key)
                        .mapTo(String.class)
                        .findOne());
    }

    /** What was given the first time that {@code key} was asked for: {@code value}, if now. */
    public String pinned(String key, String value) {
        return rows.read(handle -> {
            handle.createUpdate(
                            "INSERT INTO tonle.meta (key, value) VALUES (:key, :value)"
                                    + " ON CONFLICT (key) DO NOTHING")
                    .bind("key", key)
                    .bind("value", value)
                    .execute();
            return handle.createQuery("SELECT value FROM tonle.meta WHERE key = :key")
                    .bind("key", key)
                    .mapTo(String.class)
                    .one();
        });
    }

    /**
     * Takes the lease if nobody holds it, its time is over by the ledger's clock, or {@code holder}
     * holds it already; each success starts a new epoch, which ends all work under older ones.
     */
    public Optional<Lease> acquire(String name, String holder, Duration time) {
        return rows.read(handle ->
                handle.createQuery(
                                "INSERT INTO tonle.lease AS l (name, epoch, holder, until)"
                                        + " VALUES (:name, 1, :holder,"
                                        + " clock_timestamp() + :millis * interval '1 ms')"
                                        + " ON CONFLICT (name) DO UPDATE SET"
                                        + " epoch = l.epoch + 1, holder = excluded.holder,"
                                        + " until = excluded.until"
                                        + " WHERE l.until < clock_timestamp()"
                                        + " OR l.holder = excluded.holder RETURNING epoch")
                        .bind("name", name)
                        .bind("holder", holder)
                        .bind("millis", time.toMillis())
                        .mapTo(Long.class)
                        .findOne()
                        .map(epoch -> new Lease(name, epoch, holder)));
    }

    /** The leases whose names begin so and whose time isn't over, by name. */
    public List<Lease> leases(String prefix) {
        return rows.read(handle ->
                handle.createQuery(
                                "SELECT name, epoch, holder FROM tonle.lease"
                                        + " WHERE starts_with(name, :prefix)"
                                        + " AND until > clock_timestamp() ORDER BY name COLLATE \"C\"")
                        .bind("prefix", prefix)
                        .map((row, context) ->
                                new Lease(
                                        row.getString("name"),
                                        row.getLong("epoch"),
                                        row.getString("holder")))
                        .list());
    }

    /** Keeps a lease for another {@code time} from now; false if it changed hands. */
    public boolean renew(Lease lease, Duration time) {
        return updateLease(lease, time.toMillis());
    }

    /** Gives a lease back, so that another process needn't wait for its end. */
    public boolean release(Lease lease) {
        return updateLease(lease, -1);
    }

    private boolean updateLease(Lease lease, long millisFromNow) {
        return rows.read(handle ->
                handle.createUpdate(
                                        "UPDATE tonle.lease SET until = clock_timestamp()"
                                                + " + :millis * interval '1 ms'"
                                                + " WHERE name = :name AND epoch = :epoch")
                                .bind("millis", millisFromNow)
                                .bind("name", lease.name())
                                .bind("epoch", lease.epoch())
                                .execute()
                        == 1);
    }

    @Override
    public void close() {
        committer.close();
        pool.close();
    }
}
