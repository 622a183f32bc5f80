package org.tonle.ingest;

import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Supplier;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.LogMove;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LogPosition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Ties a source to the one topic that it is read from, for as long as the source lives. */
final class TopicClaim {
    private final Ledger ledger;
    private final String source;
    private final String consumer;
    private final String holder;

    TopicClaim(Ledger ledger, String source, String consumer, String holder) {
        this.ledger = ledger;
        this.source = source;
        this.consumer = consumer;
        this.holder = holder;
    }

    /**
     * The positions of all partitions. Which topic they are of stands in the ledger before the door
     * opens: otherwise one that was deleted with bodies that no commit has named yet would be made
     * anew, and nobody would know.
     *
     * @param positions that the ledger has; a partition without one is absent
     * @param begin where to begin while there are none at all; a partition that came later is read
     *     from its position 0, whatever was said of the others
     * @throws LakeException LOG_GAP if they are of another topic
     */
    Map<Integer, LogPosition> of(
            SourceTopic topic,
            Map<Integer, LogPosition> positions,
            Supplier<Map<Integer, Long>> begin) {
        requireSame(topic, positions);
        if (positions.size() == topic.partitions()) {
            return positions;
        }
        Map<Integer, Long> first = positions.isEmpty() ? begin.get() : Map.of();
        CommitRequest.Builder request =
                CommitRequest.builder(UUID.randomUUID(), "claim", holder)
                        .summary("topic", topic.name());
        for (int partition = 0; partition < topic.partitions(); partition++) {
            if (!positions.containsKey(partition)) {
                request.move(
                        new LogMove(
                                consumer,
                                topic.clusterId(),
                                topic.topicId(),
                                partition,
                                LogPosition.UNKNOWN_EPOCH,
                                OptionalLong.empty(),
                                first.getOrDefault(partition, 0L)));
            }
        }
        try {
            var unused = ledger.commit(request.build());
        } catch (CommitConflictException e) {
            // another process of the lake was first
            if (e.reason() != CommitConflictException.Reason.POSITION) {
                throw e;
            }
        }
        Map<Integer, LogPosition> now = ledger.logPositions(consumer);
        requireSame(topic, now);
        return now;
    }

    private void requireSame(SourceTopic topic, Map<Integer, LogPosition> positions) {
        for (LogPosition position : positions.values()) {
            if (!position.topicId().equals(topic.topicId())
                    || !position.clusterId().equals(topic.clusterId())) {
                throw new LakeException(
                        ErrorCode.LOG_GAP,
                        "Topic %s is not the one that source %s was read from: its id is %s in cluster %s, and the lake has read topic %s in cluster %s up to position %d. It was deleted and made anew, or lake.yaml names another cluster. Point the lake to the old one, or give the source a new name to begin anew."
                                .formatted(
                                        topic.name(),
                                        source,
                                        topic.topicId(),
                                        topic.clusterId(),
                                        position.topicId(),
                                        position.clusterId(),
                                        position.next()));
            }
        }
    }
}
