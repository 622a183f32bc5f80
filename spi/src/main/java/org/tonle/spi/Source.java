package org.tonle.spi;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads something outside that the lake takes in: files, a database's changes. One thread uses it,
 * begins it once and closes it. All methods but {@link #close} throw {@link LakeException}: with a
 * {@linkplain ErrorCode#retryable retryable} code it is closed and another one is begun later, from
 * what was taken by then; otherwise the source is failing until somebody acts.
 */
public interface Source extends AutoCloseable {
    /**
     * Goes on behind what was taken.
     *
     * @param taken by item, the last mark in the event log or bronze; empty at the very first
     */
    void begin(Map<String, SourceMark> taken);

    /**
     * What comes next; within an item in order, each body behind the one before it. Where a body
     * ends may differ the next time that it is read.
     *
     * @return some megabytes at most; empty when nothing came while {@code wait} passed
     */
    List<SourceBody> poll(Duration wait) throws InterruptedException;

    /** What bronze has for good: it won't be asked for again. By item, the last mark. */
    void committed(Map<String, SourceMark> marks);

    /**
     * What somebody should mend though it goes on: it is asked now and then, between two polls, and
     * answers at once.
     */
    default Optional<String> warning() {
        return Optional.empty();
    }

    @Override
    void close();
}
