package org.tonle.spi;

import org.jspecify.annotations.Nullable;

/**
 * A record of somebody's topic, as it stands there.
 *
 * @param position in its partition
 * @param timestampMillis when it was made or appended, milliseconds since 1970-01-01T00:00Z
 * @param key null where there is none
 * @param value null where the record only says that what has its key is gone
 */
@SuppressWarnings("ArrayRecordComponent") // up to megabytes, never copied, never compared
public record TopicRecord(
        int partition,
        long position,
        long timestampMillis,
        byte @Nullable [] key,
        byte @Nullable [] value) {}
