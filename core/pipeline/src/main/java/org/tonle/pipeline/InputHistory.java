package org.tonle.pipeline;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.PinnedTable;
import org.tonle.ledger.CommitRecord;
import org.tonle.ledger.CommitRequest;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.DataFile;
import org.tonle.sql.PinnedTables;

/**
 * What a dataset's input came to hold, in the order in which it came, in parts that are about as
 * large as those of a run. It is read as it is gone through: only one part is in memory, however
 * many commits there were.
 */
final class InputHistory {
    private static final String REFRESH = "refresh";

    /** Facts of a refresh's commit. */
    private static final String FROM = "from";

    private static final String DOWNSTREAM = "downstream";

    private final RunEnvironment lake;
    private final PinnedTable input;
    private final long upTo;

    /**
     * @param input as it is at {@code upTo}
     */
    InputHistory(RunEnvironment lake, PinnedTable input, long upTo) {
        this.lake = lake;
        this.input = input;
        this.upTo = upTo;
    }

    /** All that it holds; the files of its last state that was no addition first. */
    void all(Consumer<List<DataFile>> each) {
        within(Long.MIN_VALUE, Long.MAX_VALUE, each);
    }

    /**
     * Of all that it holds, the files that may hold rows that were taken in from one time to
     * another, both inclusive and in microseconds.
     */
    void within(long from, long to, Consumer<List<DataFile>> each) {
        List<ChangeRange.Rewritten> rewrites = rewrites(0);
        Parts parts = new Parts(from, to, each);
        long after = 0;
        if (!rewrites.isEmpty()) {
            after = rewrites.getLast().seq();
            long at = after;
            if (rewrites.getLast().isExpired()) {
                // more may expire while this goes on; where nothing was left to read before the
                // oldest state that is kept, that one holds the same rows
                after = upTo;
                at = Math.max(upTo, lake.catalog().ledger().retention().floor());
            }
            PinnedTable before = lake.catalog().pinAt(at).table(input.identifier()).orElseThrow();
            List<org.apache.iceberg.DataFile> files =
                    before.files().stream()
                            .sorted(
                                    Comparator.comparingLong(file ->
                                            bound(before, file.lowerBounds(), Long.MIN_VALUE)))
                            .toList();
            parts.add(before, files, PinnedTables.files(before, files));
        }
        pages(after, upTo, parts::added);
        parts.end();
    }

    /**
     * The files that were added since a commit and that may hold rows of a time, whatever has
     * become of them since.
     */
    void addedAfter(long position, long from, long to, Consumer<List<DataFile>> each) {
        Parts parts = new Parts(from, to, each);
        added(position, parts::added);
        parts.end();
    }

    /** Whether what was added since a commit isn't all known any more. */
    boolean isExpiredAfter(long position) {
        return rewrites(position).stream().anyMatch(ChangeRange.Rewritten::isExpired);
    }

    /** Whether it was rewritten after a commit. */
    boolean isRewrittenAfter(long position) {
        return !rewrites(position).isEmpty();
    }

    /** The commits since another that did more to the input than add rows. */
    private List<ChangeRange.Rewritten> rewrites(long position) {
        return lake.catalog().rewrites(input.uuid(), position, upTo);
    }

    /** The least ingest time, in microseconds, of what was added since a commit. */
    long earliestAddedAfter(long position) {
        AtomicLong earliest = new AtomicLong(Long.MAX_VALUE);
        added(
                position,
                files -> {
                    for (org.apache.iceberg.DataFile file : files) {
                        earliest.accumulateAndGet(
                                bound(input, file.lowerBounds(), Long.MIN_VALUE), Math::min);
                    }
                });
        return earliest.get();
    }

    /**
     * From when on rows were rewritten since a commit; {@link Instant#MAX} if none were, {@link
     * Instant#MIN} if any may have been.
     */
    Instant rewrittenFrom(long position) {
        return rewrites(position).stream()
                .map(rewrite ->
                        rewrite.isExpired()
                                ? Instant.MIN
                                : from(commit(rewrite)).orElse(Instant.MIN))
                .min(Comparator.naturalOrder())
                .orElse(Instant.MAX);
    }

    /** What the last refresh of the input asks of those that read it, if it does. */
    Optional<DatasetTask.Refresh> asked(String dataset, long position) {
        List<ChangeRange.Rewritten> rewrites = rewrites(position);
        if (rewrites.isEmpty() || rewrites.getLast().isExpired()) {
            return Optional.empty();
        }
        CommitRecord last = commit(rewrites.getLast());
        if (!last.kind().equals(REFRESH) || last.fact(DOWNSTREAM).isEmpty()) {
            return Optional.empty();
        }
        Instant from = rewrittenFrom(position);
        return Optional.of(
                new DatasetTask.Refresh(
                        dataset,
                        from.equals(Instant.MIN) ? Optional.empty() : Optional.of(from),
                        true,
                        last.principal()));
    }

    /** What a new dataset over an input that was rewritten has to do first. */
    static DatasetTask.Refresh whole(String dataset) {
        return new DatasetTask.Refresh(dataset, Optional.empty(), false, "tonle");
    }

    private static Optional<Instant> from(CommitRecord commit) {
        return commit.kind().equals(REFRESH)
                ? commit.fact(FROM).map(Instant::parse)
                : Optional.empty();
    }

    private CommitRecord commit(ChangeRange.Rewritten rewrite) {
        return lake.catalog().ledger().commits(rewrite.seq() - 1, rewrite.seq()).getFirst();
    }

    /** Begins the commit of a refresh, so that those that read what it rewrites can follow it. */
    static CommitRequest.Builder refresh(UUID commit, DatasetTask.Refresh task) {
        CommitRequest.Builder request = CommitRequest.builder(commit, REFRESH, task.principal());
        task.from().ifPresent(from -> request.summary(FROM, from.toString()));
        if (task.downstream()) {
            request.summary(DOWNSTREAM, true);
        }
        return request;
    }

    /** All files that were added since a commit, also by those that did more than that. */
    private void added(long position, Consumer<List<org.apache.iceberg.DataFile>> each) {
        long after = position;
        for (ChangeRange.Rewritten rewrite : rewrites(position)) {
            pages(after, rewrite.seq() - 1, each);
            each.accept(lake.catalog().added(input.uuid(), rewrite.seq()));
            after = rewrite.seq();
        }
        pages(after, upTo, each);
    }

    private void pages(long after, long to, Consumer<List<org.apache.iceberg.DataFile>> each) {
        long read = after;
        while (read < to) {
            switch (lake.catalog().changes(input.uuid(), read, to, lake.settings().batch())) {
                case ChangeRange.Appended appended -> {
                    each.accept(appended.files());
                    read = appended.upTo();
                }
                case ChangeRange.Rewritten rewritten -> {
                    if (rewritten.isExpired()) {
                        throw new LakeException(
                                ErrorCode.COMMIT_CONFLICT,
                                "States of %s expired while they were read; done again, it reads what is kept"
                                        .formatted(input.identifier()));
                    }
                    throw new IllegalStateException(
                            "%s was said to have only gained rows in (%d, %d]: %s"
                                    .formatted(input.identifier(), after, to, rewritten));
                }
            }
        }
    }

    /** The microseconds of the ingest time that a file's rows have at the least or the most. */
    static long bound(PinnedTable table, @Nullable Map<Integer, ByteBuffer> bounds, long unknown) {
        return table.ingestTime(bounds, unknown);
    }

    /** Whether a file may hold rows that were taken in from one microsecond to another. */
    static boolean mayHold(
            PinnedTable table, org.apache.iceberg.DataFile file, long from, long to) {
        return bound(table, file.upperBounds(), Long.MAX_VALUE) >= from
                && bound(table, file.lowerBounds(), Long.MIN_VALUE) <= to;
    }

    /** Puts files of a time together until they are a part. */
    private final class Parts {
        private final long from;
        private final long to;
        private final Consumer<List<DataFile>> each;
        private final ChangeRange.Limit limit = lake.settings().batch();
        private List<DataFile> current = new ArrayList<>();
        private long bytes;
        private long rows;

        Parts(long from, long to, Consumer<List<DataFile>> each) {
            this.from = from;
            this.to = to;
            this.each = each;
        }

        void added(List<org.apache.iceberg.DataFile> files) {
            add(input, files, PinnedTables.added(input, files));
        }

        void add(
                PinnedTable table, List<org.apache.iceberg.DataFile> files, List<DataFile> asRead) {
            for (int i = 0; i < files.size(); i++) {
                org.apache.iceberg.DataFile file = files.get(i);
                if (!mayHold(table, file, from, to)) {
                    continue;
                }
                current.add(asRead.get(i));
                bytes += file.fileSizeInBytes();
                rows += asRead.get(i).records();
                if (bytes >= limit.bytes()
                        || rows >= limit.rows()
                        || current.size() >= limit.commits()) {
                    end();
                }
            }
        }

        void end() {
            if (!current.isEmpty()) {
                List<DataFile> part = current;
                current = new ArrayList<>();
                bytes = 0;
                rows = 0;
                each.accept(part);
            }
        }
    }
}
