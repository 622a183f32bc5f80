package org.tonle.ingest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.LogPosition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Reads all partitions of a topic from given positions, without a consumer group: what was read is
 * known to the ledger alone. Used by one thread, but for {@link #wakeUp}.
 */
final class LogReader implements AutoCloseable {
    /** Where to begin; the leader epoch, where one is known, lets Kafka notice a truncation. */
    record From(long position, Optional<Integer> leaderEpoch) {
        /**
         * @param known what the ledger has of the partition; null if nothing: if the log begins
         *     later than its first position, bodies are lost
         */
        static From behind(@Nullable LogPosition known) {
            return known == null || known.next() == 0
                    ? new From(0, Optional.empty())
                    : new From(known.next(), Optional.of(known.leaderEpoch()));
        }
    }

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final SourceTopic topic;
    private final Map<Integer, Long> next = new HashMap<>();

    LogReader(KafkaConsumer<byte[], byte[]> consumer, SourceTopic topic, Map<Integer, From> from) {
        this.consumer = consumer;
        this.topic = topic;
        consumer.assign(partitions());
        from.forEach((partition, start) -> {
            next.put(partition, start.position());
            consumer.seek(
                    new TopicPartition(topic.name(), partition),
                    new OffsetAndMetadata(start.position(), start.leaderEpoch(), ""));
        });
    }

    private List<TopicPartition> partitions() {
        List<TopicPartition> partitions = new ArrayList<>();
        for (int partition = 0; partition < topic.partitions(); partition++) {
            partitions.add(new TopicPartition(topic.name(), partition));
        }
        return partitions;
    }

    /** The next position of a partition. */
    long next(int partition) {
        return next.getOrDefault(partition, 0L);
    }

    /**
     * What came next, in order within each partition; empty when nothing came in {@code timeout} or
     * {@link #wakeUp} was called.
     *
     * @throws LakeException LOG_GAP when positions are missing, LOG_UNAVAILABLE
     */
    List<LogRecord> poll(Duration timeout) {
        List<LogRecord> records = new ArrayList<>();
        try {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(timeout)) {
                records.add(checked(record));
            }
        } catch (WakeupException e) {
            return records;
        } catch (RuntimeException e) {
            throw LogFailures.of(e, "read " + topic.name());
        }
        return records;
    }

    private LogRecord checked(ConsumerRecord<byte[], byte[]> record) {
        long expected = next(record.partition());
        if (record.offset() != expected) {
            throw new LakeException(
                    ErrorCode.LOG_GAP,
                    "Topic %s, partition %d lacks positions %d to %d: they were deleted before they reached bronze."
                            .formatted(
                                    topic.name(),
                                    record.partition(),
                                    expected,
                                    record.offset() - 1));
        }
        BodyRecord body =
                Optional.ofNullable(record.value())
                        .flatMap(value -> BodyRecord.of(record.headers(), value))
                        .orElseThrow(() ->
                                new LakeException(
                                        ErrorCode.LOG_GAP,
                                        "Topic %s, partition %d holds a record at position %d that no door of this lake wrote. Only the lake may write into its topics."
                                                .formatted(
                                                        topic.name(),
                                                        record.partition(),
                                                        record.offset())));
        next.put(record.partition(), record.offset() + 1);
        return new LogRecord(
                record.partition(), record.offset(), record.leaderEpoch().orElse(0), body);
    }

    /** The positions behind the last record of each partition now. */
    Map<Integer, Long> ends() {
        while (true) {
            try {
                Map<Integer, Long> ends = new HashMap<>();
                consumer.endOffsets(partitions())
                        .forEach((partition, end) -> ends.put(partition.partition(), end));
                return ends;
            } catch (WakeupException e) {
                // it was meant for a poll, which isn't waiting now: whoever called it is heard
            } catch (RuntimeException e) {
                throw LogFailures.of(e, "find the end of " + topic.name());
            }
        }
    }

    /** Whether all was read before these positions, which {@link #ends} gave. */
    boolean reached(Map<Integer, Long> ends) {
        return ends.entrySet().stream().allMatch(end -> next(end.getKey()) >= end.getValue());
    }

    /** Lets a {@link #poll} that is under way, or the next one, return at once. */
    void wakeUp() {
        consumer.wakeup();
    }

    @Override
    public void close() {
        consumer.close(
                org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ofSeconds(1)));
    }
}
