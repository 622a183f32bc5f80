package org.tonle.ingest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.LogPosition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Reads partitions of a topic from given positions, without a consumer group: what was read is
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
                    : new From(
                            known.next(),
                            Optional.of(known.leaderEpoch())
                                    .filter(epoch -> epoch != LogPosition.UNKNOWN_EPOCH));
        }
    }

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final SourceTopic topic;
    private final Records records;
    private final Map<Integer, Long> next = new HashMap<>();

    /** Where what isn't handed out was passed, too. */
    private final Map<Integer, From> passed = new HashMap<>();

    /**
     * @param from where to begin, of the partitions that are to be read
     */
    LogReader(
            KafkaConsumer<byte[], byte[]> consumer,
            SourceTopic topic,
            Map<Integer, From> from,
            Records records) {
        this.consumer = consumer;
        this.topic = topic;
        this.records = records;
        consumer.assign(
                from.keySet().stream().map(p -> new TopicPartition(topic.name(), p)).toList());
        from.forEach((partition, start) -> {
            next.put(partition, start.position());
            consumer.seek(
                    new TopicPartition(topic.name(), partition),
                    new OffsetAndMetadata(start.position(), start.leaderEpoch(), ""));
        });
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
        List<LogRecord> found = new ArrayList<>();
        try {
            ConsumerRecords<byte[], byte[]> polled = consumer.poll(timeout);
            for (ConsumerRecord<byte[], byte[]> record : polled) {
                found.add(checked(record));
            }
            if (records.mayLackPositions()) {
                polled.nextOffsets()
                        .forEach((partition, at) -> {
                            next.put(partition.partition(), at.offset());
                            passed.put(
                                    partition.partition(), new From(at.offset(), at.leaderEpoch()));
                        });
            }
        } catch (WakeupException e) {
            return found;
        } catch (RuntimeException e) {
            throw LogFailures.of(e, "read " + topic.name());
        }
        return found;
    }

    /**
     * Of partitions that were read further than {@code next}, where to go on; it may lie behind the
     * last record, since the end of a transaction has a position, too. Nothing of a topic that
     * lacks no positions.
     */
    Map<Integer, From> ahead(Map<Integer, Long> next) {
        Map<Integer, From> ahead = new HashMap<>(passed);
        ahead.entrySet()
                .removeIf(at -> at.getValue().position() <= next.getOrDefault(at.getKey(), 0L));
        return ahead;
    }

    private LogRecord checked(ConsumerRecord<byte[], byte[]> record) {
        long expected = next(record.partition());
        if (!records.mayLackPositions() && record.offset() != expected) {
            throw new LakeException(
                    ErrorCode.LOG_GAP,
                    "Topic %s, partition %d lacks positions %d to %d: they were deleted before they reached bronze."
                            .formatted(
                                    topic.name(),
                                    record.partition(),
                                    expected,
                                    record.offset() - 1));
        }
        BodyRecord body = records.body(record);
        next.put(record.partition(), record.offset() + 1);
        return new LogRecord(
                record.partition(), record.offset(), record.leaderEpoch().orElse(0), body);
    }

    /** What the records of a topic are. */
    interface Records {
        /** Whether positions may be passed over: by compaction, or by ends of transactions. */
        boolean mayLackPositions();

        /** What a record holds. */
        BodyRecord body(ConsumerRecord<byte[], byte[]> record);
    }

    /** Of a topic that only the lake writes. */
    static final Records OWN =
            new Records() {
                @Override
                public boolean mayLackPositions() {
                    return false;
                }

                @Override
                public BodyRecord body(ConsumerRecord<byte[], byte[]> record) {
                    return Optional.ofNullable(record.value())
                            .flatMap(value -> BodyRecord.of(record.headers(), value))
                            .orElseThrow(() ->
                                    new LakeException(
                                            ErrorCode.LOG_GAP,
                                            "Topic %s, partition %d holds a record at position %d that no door of this lake wrote. Only the lake may write into its topics."
                                                    .formatted(
                                                            record.topic(),
                                                            record.partition(),
                                                            record.offset())));
                }
            };

    /** The positions behind the last record of each partition now. */
    Map<Integer, Long> ends() {
        while (true) {
            try {
                Map<Integer, Long> ends = new HashMap<>();
                consumer.endOffsets(consumer.assignment())
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
