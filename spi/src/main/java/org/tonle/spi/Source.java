package org.tonle.spi;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

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
     * What somebody should mend though it goes on: it is asked now and then, between two polls or
     * instead of {@link #begin} where nothing is to be taken, and answers at once.
     */
    default Optional<String> warning() {
        return Optional.empty();
    }

    /**
     * How many bytes lie outside for nobody but the lake, until it has taken them; empty if that
     * isn't known. Asked when {@link #warning} is.
     */
    default OptionalLong heldBytes() {
        return OptionalLong.empty();
    }

    @Override
    void close();
}
