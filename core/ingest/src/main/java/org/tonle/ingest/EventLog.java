package org.tonle.ingest;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.UnknownServerException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * The event log of one lake: a Kafka cluster, embedded or outside, used in the same way. Safe for
 * use by many threads.
 */
public final class EventLog implements SourceLog, AutoCloseable {
    private static final int KILOBYTE = 1 << 10;

    /** How soon a request that waits hears that the broker is down. */
    private static final long LOOK_MILLIS = 200;

    /** Above any body: what a topic takes is its own setting, checked by the broker. */
    private static final int MAX_REQUEST_BYTES = 256 << 20;

    private final EventLogSettings settings;
    private final Admin admin;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Semaphore inFlightKilobytes;

    private EventLog(EventLogSettings settings) {
        this.settings = settings;
        this.inFlightKilobytes = new Semaphore(settings.inFlightBytes() / KILOBYTE);
        this.admin = Admin.create(adminSettings(settings.client()));
        this.producer =
                new KafkaProducer<>(
                        producerSettings(), new ByteArraySerializer(), new ByteArraySerializer());
    }

    static Map<String, Object> adminSettings(Map<String, String> client) {
        Map<String, Object> adminSettings = new HashMap<>(client);
        adminSettings.put("default.api.timeout.ms", 12_000);
        adminSettings.put("request.timeout.ms", 10_000);
        return adminSettings;
    }

    /** Makes the clients; whether the cluster can be reached shows at the first use. */
    public static EventLog open(EventLogSettings settings) {
        return new EventLog(settings);
    }

    private Map<String, Object> producerSettings() {
        Map<String, Object> producerSettings = new HashMap<>(settings.client());
        producerSettings.put("acks", "all");
        producerSettings.put("enable.idempotence", true);
        producerSettings.put("compression.type", "lz4");
        producerSettings.put("linger.ms", 5);
        producerSettings.put("batch.size", 512 * KILOBYTE);
        producerSettings.put("max.request.size", MAX_REQUEST_BYTES);
        // the semaphore is the limit; a body is held here once more at most
        producerSettings.put("buffer.memory", 2L * settings.inFlightBytes() + (32L << 20));
        producerSettings.put("delivery.timeout.ms", (int) settings.timeout().toMillis());
        producerSettings.put(
                "request.timeout.ms", (int) Math.min(10_000, settings.timeout().toMillis() / 2));
        producerSettings.put("max.block.ms", settings.timeout().toMillis());
        return producerSettings;
    }

    TopicKeeper topics() {
        return new TopicKeeper(admin, settings);
    }

    /**
     * Appends a body and returns when it is durable.
     *
     * @return its position
     * @throws LakeException OVERLOADED when too much waits for its acknowledgement; LOG_UNAVAILABLE
     *     when it was not acknowledged in time, or the broker is down, and then it may or may not
     *     be in the log
     */
    long append(SourceTopic topic, int partition, BodyRecord body) {
        return send(topic, partition, body).await();
    }

    /** A body on its way; whoever sent it waits for it. */
    final class Sent {
        private final SourceTopic topic;
        private final int partition;
        private final CompletableFuture<RecordMetadata> acknowledged = new CompletableFuture<>();

        private Sent(SourceTopic topic, int partition) {
            this.topic = topic;
            this.partition = partition;
        }

        int partition() {
            return partition;
        }

        /** Returns its position when it is durable; throws as {@link EventLog#append} does. */
        long await() {
            try {
                // the producer gives up by itself; the second limit is against a bug of ours or its
                return EventLog.this
                        .await(acknowledged, settings.timeout().toMillis() * 2 + 10_000)
                        .offset();
            } catch (ExecutionException | TimeoutException | InterruptedException e) {
                throw LogFailures.of(e, "append to " + topic.name());
            }
        }
    }

    /** Like {@link #append}, but doesn't wait: bodies of one partition keep their order. */
    Sent send(SourceTopic topic, int partition, BodyRecord body) {
        requireUp();
        int kilobytes = body.body().length / KILOBYTE + 1;
        if (!inFlightKilobytes.tryAcquire(kilobytes)) {
            throw new LakeException(
                    ErrorCode.OVERLOADED,
                    "More than %d MB of bodies wait for the event log. Send this one again in a second."
                            .formatted(settings.inFlightBytes() >> 20));
        }
        Sent sent = new Sent(topic, partition);
        var unused =
                sent.acknowledged.whenComplete(
                        (metadata, failure) -> inFlightKilobytes.release(kilobytes));
        try {
            var unusedFuture =
                    producer.send(
                            new ProducerRecord<>(
                                    topic.name(),
                                    partition,
                                    null,
                                    null,
                                    body.body(),
                                    body.toKafka()),
                            (metadata, failure) -> {
                                if (failure != null) {
                                    if (failure instanceof UnknownServerException) {
                                        settings.broker().failedUnknown(failure.toString());
                                    }
                                    sent.acknowledged.completeExceptionally(failure);
                                } else {
                                    sent.acknowledged.complete(metadata);
                                }
                            });
            return sent;
        } catch (KafkaException e) {
            sent.acknowledged.completeExceptionally(e);
            throw LogFailures.of(e, "append to " + topic.name());
        }
    }

    private RecordMetadata await(CompletableFuture<RecordMetadata> acknowledged, long limitMillis)
            throws ExecutionException, InterruptedException, TimeoutException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(limitMillis);
        while (true) {
            try {
                return acknowledged.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                requireUp();
                if (System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }

    private void requireUp() {
        Optional<String> fault = settings.broker().fault();
        if (fault.isPresent()) {
            throw new LakeException(
                    ErrorCode.LOG_UNAVAILABLE, "The event log is down: %s.".formatted(fault.get()));
        }
    }

    @Override
    public SourceTopic prepare(SourceDefinition source, boolean isNew) {
        return topics().prepare(source, isNew);
    }

    /** From its first position on: if the log begins later, bodies are lost. */
    @Override
    public Map<Integer, Long> begin(SourceTopic topic) {
        Map<Integer, Long> begin = new HashMap<>();
        for (int partition = 0; partition < topic.partitions(); partition++) {
            begin.put(partition, 0L);
        }
        return begin;
    }

    @Override
    public Optional<String> weakness(SourceTopic topic) {
        return topics().weakness(topic);
    }

    @Override
    public LogReader reader(SourceTopic topic, Map<Integer, LogReader.From> from) {
        return new LogReader(
                new KafkaConsumer<>(
                        consumerSettings(settings.client()),
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer()),
                topic,
                from,
                LogReader.OWN);
    }

    /** Of every consumer that reads for bronze. */
    static Map<String, Object> consumerSettings(Map<String, String> client) {
        Map<String, Object> consumerSettings = new HashMap<>(client);
        consumerSettings.put("auto.offset.reset", "none");
        consumerSettings.put("enable.auto.commit", false);
        consumerSettings.put("isolation.level", "read_committed");
        consumerSettings.put("allow.auto.create.topics", false);
        consumerSettings.put("max.poll.records", 20_000);
        consumerSettings.put("fetch.min.bytes", 1 << 20);
        consumerSettings.put("fetch.max.wait.ms", 250);
        consumerSettings.put("fetch.max.bytes", 16 << 20);
        consumerSettings.put("max.partition.fetch.bytes", 16 << 20);
        consumerSettings.put("default.api.timeout.ms", 30_000);
        return consumerSettings;
    }

    @Override
    public String topicId(SourceTopic topic) {
        return topics().id(topic.name());
    }

    @Override
    public LakeException explained(LakeException failure) {
        return failure;
    }

    @Override
    public int partitions(SourceTopic topic) {
        // those of its own topics never change
        return topic.partitions();
    }

    @Override
    public void close() {
        try (admin) {
            producer.close(Duration.ofSeconds(10));
        }
    }
}
