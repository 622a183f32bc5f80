package org.tonle.pipeline;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import org.tonle.sql.KeyBatch;
import org.tonle.sql.KeyFilter;

/**
 * The deduplication keys that a streaming table has taken in within its window: a cache over the
 * table and its quarantine, rebuilt from them after a crash.
 *
 * <p>A key is kept as 128 bits of a keyed hash and the ingest time of its first row. The hash is
 * keyed by this process's own secret, so that nobody can make two ids that collide; by accident it
 * happens to one pair in 10^23 for 30 million keys. The newest keys are on the heap, older ones in
 * sorted files that grow by merging, so that memory is bounded, however many rows a run has, and a
 * key is written a few times.
 *
 * <p>Used by one thread at a time. What a run asked about is remembered when the run is {@link
 * #commit committed}.
 */
final class SeenKeys implements KeyFilter, AutoCloseable {
    /** Keys of each table on the heap: at most some 12 MB. */
    static final int ON_HEAP = 1 << 18;

    /** So many files of about one size become one. */
    private static final int FAN_IN = 4;

    private final long windowMicros;
    private final Path directory;
    private final int onHeap;
    private final KeyHash hash = KeyHash.secret();
    private final KeyTable recent = new KeyTable();

    /** What is older than {@link #recent}, newest first. */
    private final Deque<SortedKeys> older = new ArrayDeque<>();

    /** What the run under way asked about last. */
    private final KeyTable run = new KeyTable();

    /** What that run asked about before, newest first. */
    private final Deque<SortedKeys> earlierInRun = new ArrayDeque<>();

    private long asked;
    private long newestInRun = Long.MIN_VALUE;

    private long newest = Long.MIN_VALUE;
    private long completeFrom = Long.MIN_VALUE;

    /**
     * @param window rows of one key that are further apart are different rows
     * @param directory an existing one, for files without a name
     */
    SeenKeys(Duration window, Path directory) {
        this(window, directory, ON_HEAP);
    }

    SeenKeys(Duration window, Path directory, int onHeap) {
        this.windowMicros = window.toMillis() * 1000;
        this.directory = directory;
        this.onHeap = onHeap;
    }

    /** Remembers a key that the tables hold. */
    void load(byte[] key, long ingestTimeMicros) {
        hash.of(key);
        long high = hash.high();
        long low = hash.low();
        long known = recent.get(high, low);
        // it matters whether the key is known from a later time
        if (known == KeyTable.ABSENT || known < ingestTimeMicros) {
            known = Math.max(known, inOlder(high, low, ingestTimeMicros));
        }
        if (known == KeyTable.ABSENT || known < ingestTimeMicros) {
            remember(high, low, ingestTimeMicros);
        }
    }

    /**
     * The latest time of a key in the files; files come in any order, and those that have nothing
     * of a later time than {@code after} aren't asked.
     */
    private long inOlder(long high, long low, long after) {
        long time = KeyTable.ABSENT;
        for (SortedKeys sorted : older) {
            if (sorted.latest() > Math.max(after, time)) {
                asked++;
                time = Math.max(time, sorted.get(high, low));
            }
        }
        return time;
    }

    /**
     * Which rows of the batch repeat a key that came at most a window earlier, in this run or
     * before it.
     */
    @Override
    public BitSet duplicates(KeyBatch batch) {
        BitSet duplicates = new BitSet(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            duplicates.set(i, isDuplicate(batch.key(i), batch.ingestTimeMicros(i)));
        }
        return duplicates;
    }

    /** The same of one row. */
    boolean isDuplicate(byte[] key, long time) {
        hash.of(key);
        long high = hash.high();
        long low = hash.low();
        long first = firstTime(high, low, time);
        if (first != KeyTable.ABSENT && Math.abs(time - first) <= windowMicros) {
            return true;
        }
        take(high, low, time);
        return false;
    }

    private void take(long high, long low, long time) {
        newestInRun = Math.max(newestInRun, time);
        run.put(high, low, time);
        if (run.size() >= onHeap) {
            write(run, earlierInRun);
            merge(earlierInRun, Long.MIN_VALUE);
        }
    }

    /** When the key came, if that is at most a window before or anywhere after {@code at}. */
    private long firstTime(long high, long low, long at) {
        long time = run.get(high, low);
        for (SortedKeys sorted : earlierInRun) {
            if (time != KeyTable.ABSENT) {
                return time;
            }
            time = sorted.get(high, low);
        }
        if (time == KeyTable.ABSENT) {
            time = recent.get(high, low);
        }
        return time == KeyTable.ABSENT ? inOlder(high, low, at - windowMicros - 1) : time;
    }

    /** How many keys are on the heap. */
    int onHeap() {
        return run.size() + recent.size();
    }

    /** How many times one of the files was asked for a key. */
    long asked() {
        return asked;
    }

    /** Keys of earlier times, in microseconds, may have been left out since they were loaded. */
    long completeFrom() {
        return completeFrom;
    }

    /** The run's rows are in the tables. */
    void commit() {
        if (!earlierInRun.isEmpty()) {
            // what is looked up first has to be the newest
            write(recent, older);
            while (!earlierInRun.isEmpty()) {
                older.addFirst(earlierInRun.removeLast());
            }
            newest = Math.max(newest, newestInRun);
            mergeOlder();
        }
        run.forEach(this::remember);
        run.clear();
        newestInRun = Long.MIN_VALUE;
    }

    /** The run's rows are not in the tables. */
    void rollback() {
        run.clear();
        close(earlierInRun);
        newestInRun = Long.MIN_VALUE;
    }

    private void remember(long high, long low, long time) {
        newest = Math.max(newest, time);
        recent.put(high, low, time);
        if (recent.size() >= onHeap) {
            write(recent, older);
            mergeOlder();
        }
    }

    private void write(KeyTable table, Deque<SortedKeys> files) {
        if (table.size() > 0) {
            files.addFirst(SortedKeys.of(table, directory));
            table.clear();
        }
    }

    private void mergeOlder() {
        // rows come nearly in order of their ingest time: two windows leave one for latecomers
        long oldest = newest - 2 * windowMicros;
        if (merge(older, oldest)) {
            completeFrom = Math.max(completeFrom, oldest);
        }
    }

    /**
     * Whether there was something to merge; entries of times before {@code oldest} are left out.
     */
    private boolean merge(Deque<SortedKeys> files, long oldest) {
        boolean merged = false;
        while (true) {
            List<SortedKeys> alike = new ArrayList<>();
            for (SortedKeys sorted : files) {
                if (alike.isEmpty() || sorted.size() <= FAN_IN * alike.getFirst().size()) {
                    alike.add(sorted);
                } else {
                    break;
                }
            }
            if (alike.size() < FAN_IN) {
                return merged;
            }
            SortedKeys one = SortedKeys.merge(alike, oldest, directory);
            merged = true;
            for (SortedKeys sorted : alike) {
                files.removeFirst();
                sorted.close();
            }
            files.addFirst(one);
        }
    }

    @Override
    public void close() {
        close(earlierInRun);
        close(older);
    }

    private static void close(Deque<SortedKeys> files) {
        files.forEach(SortedKeys::close);
        files.clear();
    }
}
