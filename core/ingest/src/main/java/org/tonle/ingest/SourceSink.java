package org.tonle.ingest;

import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.iceberg.catalog.TableIdentifier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.ingest.SourceStatus.State;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LogPosition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.SourceMark;

/**
 * Brings one source from the event log to bronze, in a thread of its own, from where the ledger
 * says it stands. Whatever goes wrong, it begins again from the ledger; it never skips a position.
 */
final class SourceSink implements Runnable, RetryLoop.Work {
    private static final Logger logger = LoggerFactory.getLogger(SourceSink.class);

    private static final Duration RENEW_AFTER = Duration.ofSeconds(3);
    private static final Duration IDLE_POLL = Duration.ofMillis(500);
    private static final Duration STANDBY_PAUSE = Duration.ofSeconds(2);
    private static final Duration WARN_EVERY = Duration.ofMinutes(10);

    private final SourceDefinition source;
    private final SourceLog log;
    private final LakeCatalog catalog;
    private final RequestKeys keys;
    private final SourceProgress progress;
    private final IngestSettings settings;
    private final Clock clock;
    private final FailPoints failPoints;
    private final String consumer;

    /** Whether its topic is of the lake's event log, and one process reads all of it. */
    private final boolean ownsTopic;

    private final PartitionLeases leases;
    private final TopicClaim claim;
    private final KeyRecovery recovery;
    private final RetryLoop retries;
    private long warnedNanos = System.nanoTime() - WARN_EVERY.toNanos();
    private volatile boolean draining;
    private volatile @Nullable LogReader reader;

    SourceSink(
            SourceDefinition source,
            SourceLog log,
            LakeCatalog catalog,
            RequestKeys keys,
            SourceProgress progress,
            IngestSettings settings,
            Clock clock,
            FailPoints failPoints) {
        this.source = source;
        this.log = log;
        this.catalog = catalog;
        this.keys = keys;
        this.progress = progress;
        this.settings = settings;
        this.clock = clock;
        this.failPoints = failPoints;
        this.consumer = consumer(source.name());
        this.ownsTopic = !(source.kind() instanceof SourceKind.Kafka);
        this.leases =
                new PartitionLeases(catalog.ledger(), source.name(), settings.holder(), !ownsTopic);
        this.claim = new TopicClaim(catalog.ledger(), source.name(), consumer, settings.holder());
        this.retries = new RetryLoop(source.name());
        this.recovery =
                new KeyRecovery(
                        catalog,
                        Optional.of(table(source.name()))
                                .filter(requests -> source.kind() instanceof SourceKind.Http),
                        keys,
                        clock);
    }

    /** Ends when all that is in the log now is in bronze. */
    void drain() {
        draining = true;
        retries.leaveIfFailing();
        wake();
    }

    /** Ends soon; what is in the log stays there. */
    void stop() {
        retries.stop();
        wake();
    }

    /** Lets it begin anew if it is failing, or at once if it waits. */
    void again() {
        retries.again();
    }

    private void wake() {
        LogReader reading = reader;
        if (reading != null) {
            reading.wakeUp();
        }
    }

    private boolean stopping() {
        return retries.isStopping();
    }

    @Override
    public void run() {
        if (retries.run(this)) {
            progress.is(State.STOPPED);
        }
    }

    @Override
    public void trouble(State state, LakeException why) {
        progress.is(state, why);
        if (state == State.RETRYING) {
            warnIfLate();
        }
    }

    @Override
    public void anew() {
        progress.anew();
    }

    /** Bodies that wait in the log are lost when its retention is over. */
    private void warnIfLate() {
        SourceStatus status = progress.status();
        boolean late = status.isLate(source.retention(), clock.instant());
        if (late && System.nanoTime() - warnedNanos > WARN_EVERY.toNanos()) {
            warnedNanos = System.nanoTime();
            logger.warn(
                    "Source {} is behind: in {} the event log begins to lose what bronze doesn't have. See why it is slow, or raise its retention.",
                    source.name(),
                    status.left(source.retention(), clock.instant()));
        }
    }

    @Override
    public boolean isFinal(LakeException e) {
        return switch (e.code()) {
            case LOG_GAP, INCOMPATIBLE_CHANGE, SCHEMA_DRIFT -> true;
            default -> false;
        };
    }

    /**
     * Works until it is told to stop, or something goes wrong.
     *
     * @return whether it was told to drain and has
     */
    @Override
    public boolean work() throws InterruptedException {
        try {
            return attempt();
        } catch (LakeException e) {
            LakeException why = log.explained(e);
            if (draining && !ownsTopic && isOfTheCluster(why)) {
                // nobody was told that the lake has it; it stays where it is
                leases.leave();
                return true;
            }
            throw why;
        }
    }

    private static boolean isOfTheCluster(LakeException e) {
        return switch (e.code()) {
            case UNAUTHENTICATED, FORBIDDEN, SOURCE_UNAVAILABLE -> true;
            default -> false;
        };
    }

    private boolean attempt() throws InterruptedException {
        progress.heed(catalog.ledger().sourceSwitches().of(source.name()));
        if (!ownsTopic) {
            // a lake begins without what lies outside: datasets may read what isn't there yet
            createTables();
        }
        if (isResting()) {
            progress.rest();
            progress.awaitResumed(RENEW_AFTER);
            return draining;
        }
        Map<Integer, LogPosition> known = catalog.ledger().logPositions(consumer);
        SourceTopic topic = log.prepare(source, known.isEmpty());
        Map<Integer, LogPosition> positions = claim.of(topic, known, () -> log.begin(topic));
        Optional<String> weakness = log.weakness(topic);
        if (progress.warn(weakness)) {
            logger.warn("Source {}: {}", source.name(), weakness.orElseThrow());
        }
        if (ownsTopic) {
            createTables();
        }
        Set<Integer> mine = leases.acquire(topic.partitions());
        if (ownsTopic) {
            recoverKeys(topic, positions);
        }
        failPoints.reach("ingest.after-recovery");
        Map<Integer, Long> next = new HashMap<>();
        positions.forEach((partition, position) -> next.put(partition, position.next()));
        keys.committed(Map.of(), next);
        progress.inBronze(next);
        progress.known(topic, mine.isEmpty() ? State.STANDBY : State.RUNNING);
        if (mine.isEmpty()) {
            retries.pauseExactly(STANDBY_PAUSE);
            // the log's rest is the other process's work
            return draining;
        }
        try (LogReader reading = log.reader(topic, from(positions, mine))) {
            reader = reading;
            return sink(topic, reading, next);
        } finally {
            reader = null;
        }
    }

    private void recoverKeys(SourceTopic topic, Map<Integer, LogPosition> positions) {
        long oldest;
        try (LogReader tail = log.reader(topic, from(positions, positions.keySet()))) {
            oldest = recovery.readTail(tail, progress, this::stopping);
        }
        try {
            recovery.readTable(oldest);
        } catch (LakeException e) {
            if (e.code() == ErrorCode.STORAGE) {
                // senders needn't wait for it: repeats are left out on the way to bronze
                progress.known(topic);
            }
            throw e;
        }
    }

    /** What lies in the lake's own log goes to bronze though the source is paused. */
    private boolean isResting() {
        return !ownsTopic && progress.isPaused();
    }

    private static Map<Integer, LogReader.From> from(
            Map<Integer, LogPosition> positions, Set<Integer> partitions) {
        Map<Integer, LogReader.From> from = new HashMap<>();
        for (int partition : partitions) {
            from.put(partition, LogReader.From.behind(positions.get(partition)));
        }
        return from;
    }

    /** The name under which the ledger keeps how far a source's topic was read. */
    static String consumer(String source) {
        return "bronze." + source;
    }

    private static TableIdentifier table(String name) {
        return TableIdentifier.of(BronzeTable.NAMESPACE, name);
    }

    private void createTables() {
        for (BronzeDefinition table : source.tables()) {
            if (catalog.ledger().ref(BronzeTable.NAMESPACE, table.name()).isEmpty()) {
                createTable(table.name());
            }
        }
    }

    private void createTable(String name) {
        catalog.ensureNamespace(BronzeTable.NAMESPACE, settings.holder());
        try (StagedCommit commit = catalog.stage()) {
            var created =
                    commit.create(table(name), BronzeTable.SCHEMA, BronzeTable.SPEC, Map.of());
            logger.debug("Creating {}", created.identifier());
            var unused =
                    commit.publish(CommitRequest.builder(commit.id(), "create", settings.holder()));
        } catch (CommitConflictException e) {
            if (e.reason() != CommitConflictException.Reason.ALREADY_EXISTS) {
                throw e;
            }
        }
    }

    private boolean sink(SourceTopic topic, LogReader reading, Map<Integer, Long> next) {
        Ledger ledger = catalog.ledger();
        BodyRows rows = new BodyRows(source, topic);
        DriftGuard guard = new DriftGuard(source, rows, catalog);
        Map<String, SourceMark> marks = new HashMap<>(ledger.sourceMarks(source.name()));
        // a commit may have happened whose end this process didn't see
        progress.marks(marks);
        long renewed = System.nanoTime();
        // what failed before is over when that was read, or something came to bronze
        Map<Integer, Long> trial = progress.isTroubled() ? reading.ends() : null;
        Map<Integer, Long> target = null;
        BronzeBatch batch = null;
        try {
            while (!stopping() && !isResting()) {
                if (System.nanoTime() - renewed > RENEW_AFTER.toNanos()) {
                    if (!leases.renew()) {
                        if (ownsTopic) {
                            throw new LakeException(
                                    ErrorCode.LEASE_LOST,
                                    "Another process brings source %s to bronze now."
                                            .formatted(source.name()));
                        }
                        // what was read and isn't committed is read again, here or there
                        leases.release();
                        return false;
                    }
                    renewed = System.nanoTime();
                    if (batch == null) {
                        requireStillThere(topic);
                    }
                    if (!ownsTopic) {
                        progress.ends(reading.ends());
                        if (log.partitions(topic) != topic.partitions()) {
                            leases.release();
                            return false;
                        }
                    }
                }
                if (draining && target == null) {
                    target = reading.ends();
                }
                if (target != null && reading.reached(target)) {
                    // the rest of a transaction isn't in the log; it is read again with it
                    if (batch != null && batch.isWhole()) {
                        commit(batch, topic, next);
                    }
                    leases.leave();
                    return true;
                }
                for (LogRecord record : reading.poll(pollTime(batch, target != null))) {
                    Optional<LakeException> refusal = guard.refusal(record, marks, batch);
                    if (refusal.isPresent()) {
                        if (batch != null && batch.isWhole()) {
                            commit(batch, topic, next);
                            batch = null;
                        }
                        throw refusal.get();
                    }
                    if (batch != null && batch.isWhole() && continues(record)) {
                        // a long transaction doesn't hold back what was before it
                        commit(batch, topic, next);
                        marks.putAll(batch.marks());
                        batch = null;
                    }
                    if (batch == null) {
                        failPoints.reach("ingest.after-read");
                        batch = batch(topic, marks, rows, guard);
                    }
                    batch.add(record);
                    if (batch.bytes() >= settings.commitSizeBytes() && batch.isWhole()) {
                        commit(batch, topic, next);
                        marks.putAll(batch.marks());
                        batch = null;
                    }
                }
                // what the topic forgets behind its last record isn't missed after a restart
                Map<Integer, LogReader.From> ahead = reading.ahead(next);
                if (batch == null && !ahead.isEmpty()) {
                    batch = batch(topic, marks, rows, guard);
                }
                if (batch != null) {
                    batch.pass(ahead);
                }
                if (batch != null && left(batch).isNegative() && batch.isWhole()) {
                    commit(batch, topic, next);
                    marks.putAll(batch.marks());
                    batch = null;
                }
                // what is there in part waits for its rest, which is read while the source runs
                boolean nothingToCommit = batch == null || !batch.isWhole();
                if (trial != null && nothingToCommit && reading.reached(trial)) {
                    progress.well();
                    trial = null;
                }
            }
            leases.leave();
            return false;
        } finally {
            if (batch != null) {
                batch.close();
            }
        }
    }

    private BronzeBatch batch(
            SourceTopic topic, Map<String, SourceMark> marks, BodyRows rows, DriftGuard guard) {
        return new BronzeBatch(
                catalog,
                source.name(),
                consumer,
                topic,
                keys,
                marks,
                rows,
                guard.evolving(),
                failPoints);
    }

    private static boolean continues(LogRecord record) {
        return record.body().mark().filter(BodyRecord.Marked::continues).isPresent();
    }

    private Duration left(BronzeBatch batch) {
        return settings.commitInterval().minusNanos(System.nanoTime() - batch.begunNanos());
    }

    private Duration pollTime(@Nullable BronzeBatch batch, boolean hurry) {
        if (hurry) {
            return Duration.ofMillis(20);
        }
        if (batch == null || !batch.isWhole()) {
            return IDLE_POLL;
        }
        Duration left = left(batch);
        Duration least = left.compareTo(IDLE_POLL) < 0 ? left : IDLE_POLL;
        return least.isNegative() ? Duration.ZERO : least;
    }

    private void commit(BronzeBatch batch, SourceTopic topic, Map<Integer, Long> next) {
        try (batch) {
            // asked after the bodies were read: a topic that was made anew before would otherwise
            // have given us bodies of its own under the old positions
            requireStillThere(topic);
            batch.publish(leases.leases(), next);
            failPoints.reach("ingest.after-commit");
        }
        next.putAll(batch.next());
        progress.well();
        keys.committed(batch.kept(), batch.next());
        if (batch.isEmpty()) {
            progress.inBronze(batch.next());
            return;
        }
        // before its events count as in bronze: who waited for them finds what is said of them
        batch.warning()
                .filter(warning -> progress.warnFields(warning))
                .ifPresent(warning -> logger.warn("Source {}: {}", source.name(), warning));
        progress.committed(
                batch.next(),
                batch.marks(),
                batch.repeats(),
                batch.counts(),
                clock.instant(),
                batch.newest());
        warnIfLate();
    }

    private void requireStillThere(SourceTopic topic) {
        String id = log.topicId(topic);
        if (!id.equals(topic.topicId())) {
            throw new LakeException(
                    ErrorCode.LOG_GAP,
                    "Topic %s was deleted and made anew (its id was %s and is %s): what it held and bronze doesn't is lost. Point the lake to the old topic, or give the source a new name to begin anew."
                            .formatted(topic.name(), topic.topicId(), id));
        }
    }

    /** The names of the fail points that a sink and a door reach. */
    static List<String> failPoints() {
        return List.of(
                "ingest.before-append",
                "ingest.after-append",
                "ingest.before-answer",
                "ingest.after-recovery",
                "ingest.after-read",
                "ingest.after-file",
                "ingest.before-commit",
                "ingest.after-commit");
    }
}
