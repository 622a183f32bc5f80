package org.tonle.ingest;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.tonle.ingest.SourceStatus.Counts;
import org.tonle.ingest.SourceStatus.State;
import org.tonle.ledger.SourceSwitch;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.SourceMark;

/**
 * What a source's door, its sink and those who ask tell each other. Safe for use by many threads.
 */
final class SourceProgress {
    private final String source;
    private final Clock clock;
    private final Duration patience;
    private State state = State.STARTING;
    private SourceStatus.@Nullable Problem problem;
    private @Nullable String warning;
    private @Nullable String readingWarning;
    private @Nullable String fieldsWarning;
    private @Nullable SourceTopic topic;
    private final Map<Integer, Long> next = new TreeMap<>();
    private final Map<Integer, Long> appended = new TreeMap<>();
    private long repeats;
    private Counts counts = Counts.NONE;
    private @Nullable Instant committedAt;
    private @Nullable Instant waitingSince;

    /**
     * How far an outside topic went at a time, which bronze is to reach before it is asked anew.
     */
    private final Map<Integer, Long> wanted = new HashMap<>();

    private @Nullable Instant wantedSince;
    private final Map<String, SourceMark> newMarks = new HashMap<>();
    private @Nullable State readingState;
    private SourceStatus.@Nullable Problem readingProblem;
    private OptionalLong held = OptionalLong.empty();
    private SourceStatus.@Nullable Pause paused;

    /** When that was said. */
    private Instant heard = Instant.MIN;

    private boolean resting;
    private boolean closing;
    private int requests;

    /**
     * @param patience a source is lagging while something has waited for longer
     */
    SourceProgress(String source, Clock clock, Duration patience) {
        this.source = source;
        this.clock = clock;
        this.patience = patience;
    }

    /** What somebody said of the source: empty if nobody did. */
    synchronized void heed(Optional<SourceSwitch> said) {
        Instant at = said.map(SourceSwitch::at).orElse(Instant.MIN);
        if (at.isBefore(heard)) {
            // who asked before has its answer later
            return;
        }
        heard = at;
        paused =
                said.filter(SourceSwitch::paused)
                        .map(by -> new SourceStatus.Pause(by.by(), by.at()))
                        .orElse(null);
        notifyAll();
    }

    synchronized boolean isPaused() {
        return paused != null;
    }

    /** Nothing is read from the topic, since the source is paused; what it needs is there. */
    synchronized void rest() {
        is(State.STARTING);
        resting = true;
    }

    /** Waits until the source isn't paused any more, at most {@code limit}. */
    synchronized void awaitResumed(Duration limit) throws InterruptedException {
        var unused = await(() -> paused == null || closing, limit);
    }

    /** It has failed, and is tried from the beginning. */
    synchronized void anew() {
        // a topic that was known may be another one now
        topic = null;
        is(State.STARTING);
    }

    /** The door can open: the topic is there, and which requests it holds is known. */
    synchronized void known(SourceTopic found) {
        topic = found;
        notifyAll();
    }

    /** As {@link #known(SourceTopic)}, and says at once who brings it to bronze. */
    synchronized void known(SourceTopic found, State now) {
        topic = found;
        if (now == State.STANDBY || !isTroubled()) {
            is(now);
        }
        notifyAll();
    }

    synchronized void is(State now) {
        state = now;
        problem = null;
        resting = false;
        notifyAll();
    }

    synchronized void is(State now, LakeException why) {
        problem = problem(why, problem);
        state = now;
        notifyAll();
    }

    /** Something went wrong, and nothing has gone well since. */
    synchronized boolean isTroubled() {
        return problem != null;
    }

    /** What went wrong is over. */
    synchronized void well() {
        if (isTroubled()) {
            is(State.RUNNING);
        }
    }

    private SourceStatus.Problem problem(LakeException why, SourceStatus.@Nullable Problem before) {
        counts = counts.plus(new Counts(0, 0, 0, 1));
        return new SourceStatus.Problem(
                why.code(),
                String.valueOf(why.getMessage()),
                before == null ? clock.instant() : before.since());
    }

    /** What is read keeps so many bytes for the lake. */
    synchronized void held(OptionalLong bytes) {
        held = bytes;
    }

    /**
     * Says what isn't as it should be and stops nothing.
     *
     * @return whether that is new
     */
    synchronized boolean warn(Optional<String> found) {
        boolean isNew = found.isPresent() && !found.get().equals(warning);
        warning = found.orElse(null);
        return isNew;
    }

    /**
     * Says what isn't as it should be where the source reads.
     *
     * @return whether all was well before
     */
    synchronized boolean warnReading(Optional<String> found) {
        boolean isNew = found.isPresent() && readingWarning == null;
        readingWarning = found.orElse(null);
        return isNew;
    }

    /**
     * Says which fields of events get no column.
     *
     * @return whether nothing was said of that before
     */
    synchronized boolean warnFields(String found) {
        boolean isNew = fieldsWarning == null;
        fieldsWarning = found;
        return isNew;
    }

    /** A body stands in the log that was taken at {@code takenAt}. */
    synchronized void appended(int partition, long position, Instant takenAt) {
        appended.merge(partition, position + 1, Math::max);
        if (waitingSince == null || takenAt.isBefore(waitingSince)) {
            waitingSince = takenAt;
        }
    }

    /** How far an outside topic goes, by partition. */
    synchronized void ends(Map<Integer, Long> ends) {
        // of partitions that others bring to bronze nothing waits here
        appended.clear();
        appended.putAll(next);
        ends.forEach((partition, end) -> appended.merge(partition, end, Math::max));
        wanted.keySet().retainAll(ends.keySet());
        if (hasAll(wanted)) {
            wanted.putAll(ends);
            wantedSince = clock.instant();
        }
        waitingSince = lag() == 0 ? null : wantedSince;
        notifyAll();
    }

    private boolean hasAll(Map<Integer, Long> ends) {
        return ends.entrySet().stream()
                .allMatch(end -> next.getOrDefault(end.getKey(), 0L) >= end.getValue());
    }

    synchronized void inBronze(Map<Integer, Long> positions) {
        next.putAll(positions);
        positions.forEach((partition, position) -> appended.merge(partition, position, Math::max));
        if (lag() == 0) {
            waitingSince = null;
        }
        notifyAll();
    }

    /**
     * @param upTo when the newest body of the commit was taken
     */
    synchronized void committed(
            Map<Integer, Long> positions,
            Map<String, SourceMark> marks,
            long dropped,
            Counts taken,
            Instant at,
            Instant upTo) {
        repeats += dropped;
        counts = counts.plus(taken);
        marks(marks);
        committedAt = at;
        waitingSince = wantedSince == null ? upTo : wantedSince;
        inBronze(positions);
    }

    /** What bronze has of what a source reads. */
    synchronized void marks(Map<String, SourceMark> marks) {
        newMarks.putAll(marks);
    }

    /** What bronze got since the last call of what a source reads: by item, the last mark. */
    synchronized Map<String, SourceMark> takeMarks() {
        Map<String, SourceMark> taken = Map.copyOf(newMarks);
        newMarks.clear();
        return taken;
    }

    /** How reading what lies outside goes; {@code why} is null where it goes well. */
    synchronized void reading(@Nullable State now, @Nullable LakeException why) {
        readingState = now;
        readingProblem = why == null ? null : problem(why, readingProblem);
        notifyAll();
    }

    /**
     * Waits, at most {@code limit}, until this process brings the source to bronze, fewer than
     * {@code bodies} wait in the log, and the source isn't paused.
     */
    synchronized boolean awaitRoom(int bodies, Duration limit) throws InterruptedException {
        return await(() -> isReading() && lag() < bodies, limit);
    }

    /** Waits, at most {@code limit}, until bronze has what the log holds. */
    synchronized void awaitAll(Duration limit) throws InterruptedException {
        var unused = await(() -> state != State.RUNNING || lag() == 0, limit);
    }

    /** The topic, once it is known. */
    synchronized Optional<SourceTopic> topic() {
        return Optional.ofNullable(topic);
    }

    /** Whether this process brings the source to bronze. */
    synchronized boolean isRunning() {
        return state == State.RUNNING;
    }

    /** Whether this process is to read what lies outside. */
    synchronized boolean isReading() {
        return state == State.RUNNING && paused == null;
    }

    /** From now on the door takes nothing. */
    synchronized void close() {
        closing = true;
        notifyAll();
    }

    /** Waits until no request is under way any more, at most {@code limit}. */
    synchronized boolean awaitQuiet(Duration limit) throws InterruptedException {
        return await(() -> requests == 0, limit);
    }

    /** A request that {@link #enter}ed has its answer. */
    synchronized void leave() {
        requests--;
        notifyAll();
    }

    /**
     * Lets a request in and gives it the topic, if the door is open.
     *
     * @throws LakeException saying why it is closed
     */
    synchronized SourceTopic enter() {
        if (closing) {
            throw new LakeException(
                    ErrorCode.NOT_READY, "The lake is stopping. Send the request again later.");
        }
        if (paused != null) {
            throw new LakeException(
                    ErrorCode.SOURCE_PAUSED,
                    "Source %s takes nothing: %s paused it at %s. Send the request again when it was resumed: tonle source resume %s."
                            .formatted(source, paused.by(), paused.since(), source));
        }
        if (state == State.FAILING && problem != null) {
            throw new LakeException(
                    problem.code(),
                    "Source %s is failing and takes nothing: %s"
                            .formatted(source, problem.reason()));
        }
        if (topic == null) {
            throw new LakeException(
                    problem == null ? ErrorCode.NOT_READY : problem.code(),
                    "Source %s is not ready%s. Send the request again later."
                            .formatted(source, problem == null ? "" : ": " + problem.reason()));
        }
        requests++;
        return topic;
    }

    /** Waits until the source has left its start, at most {@code limit}. */
    synchronized boolean awaitStarted(Duration limit) throws InterruptedException {
        return await(
                () -> topic != null || resting || state == State.FAILING || awaitsOthers(), limit);
    }

    /** Nothing of the lake waits for what lies outside. */
    private boolean awaitsOthers() {
        return problem != null && problem.code() == ErrorCode.SOURCE_UNAVAILABLE;
    }

    /** Waits until bronze holds a position, at most {@code limit}; false if it doesn't then. */
    synchronized boolean awaitInBronze(int partition, long position, Duration limit)
            throws InterruptedException {
        return await(
                        () -> next.getOrDefault(partition, 0L) > position || state == State.FAILING,
                        limit)
                && next.getOrDefault(partition, 0L) > position;
    }

    private boolean await(java.util.function.BooleanSupplier done, Duration limit)
            throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!done.getAsBoolean()) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (left <= 0) {
                return false;
            }
            wait(left);
        }
        return true;
    }

    private Optional<String> warnings() {
        List<String> all =
                Stream.of(
                                Optional.ofNullable(warning),
                                Optional.ofNullable(readingWarning),
                                Optional.ofNullable(fieldsWarning))
                        .flatMap(Optional::stream)
                        .toList();
        return all.isEmpty() ? Optional.empty() : Optional.of(String.join(" ", all));
    }

    /** As {@link SourceStatus#lag}. */
    private long lag() {
        return SourceStatus.lag(next, appended);
    }

    private State told(State worked) {
        if (paused != null && worked != State.STOPPED) {
            return State.PAUSED;
        }
        boolean late =
                waitingSince != null
                        && lag() > 0
                        && Duration.between(waitingSince, clock.instant()).compareTo(patience) > 0;
        return worked == State.RUNNING && late ? State.LAGGING : worked;
    }

    synchronized SourceStatus status() {
        // what is read can't come in, however well the rest goes
        boolean reading = state == State.RUNNING && readingState != null;
        return new SourceStatus(
                source,
                told(reading && readingState != null ? readingState : state),
                Optional.ofNullable(reading ? readingProblem : problem),
                Optional.ofNullable(paused),
                warnings(),
                Optional.ofNullable(topic).map(SourceTopic::name),
                next,
                appended,
                repeats,
                Optional.ofNullable(committedAt),
                Optional.ofNullable(waitingSince),
                held,
                counts,
                state == State.RUNNING);
    }
}
