package org.tonle.ledger;

/**
 * How far a consumer has read one partition.
 *
 * @param next the next offset to read; everything before it is in the lake
 */
public record LogPosition(
        String clusterId, String topicId, int partition, int leaderEpoch, long next) {}
