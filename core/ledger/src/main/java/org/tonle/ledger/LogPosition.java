package org.tonle.ledger;

/**
 * How far a consumer has read one partition.
 *
 * @param leaderEpoch of what stands before {@code next}, or {@link #UNKNOWN_EPOCH}
 * @param next the next offset to read; everything before it is in the lake
 */
public record LogPosition(
        String clusterId, String topicId, int partition, int leaderEpoch, long next) {
    /** Nobody said who led the partition: that its end was cut off isn't noticed by this. */
    public static final int UNKNOWN_EPOCH = -1;
}
