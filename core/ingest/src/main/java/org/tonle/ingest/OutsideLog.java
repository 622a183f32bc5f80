package org.tonle.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.RecordDecoder;
import org.tonle.spi.RecordDecoder.Decoded;
import org.tonle.spi.TopicRecord;

/**
 * A topic of somebody else's cluster, which is read and nothing else. Safe for use by many threads,
 * of which one reads.
 */
final class OutsideLog implements SourceLog, AutoCloseable {
    private final SourceKind.Kafka kind;
    private final RecordDecoder decoder;
    private final Map<String, String> client = new HashMap<>();
    private final Clock clock;
    private @Nullable Admin admin;

    /** The topic was looked for and not there: all that it holds came afterwards. */
    private volatile boolean wasAbsent;

    /**
     * Makes the clients; whether the cluster can be reached shows at the first use.
     *
     * @param decoder closed with this
     */
    OutsideLog(SourceKind.Kafka kind, RecordDecoder decoder, Clock clock) {
        this.kind = kind;
        this.decoder = decoder;
        this.clock = clock;
        kind.cluster().properties().forEach((name, value) -> client.put(name, value.reveal()));
        client.put("bootstrap.servers", kind.cluster().bootstrapServers());
    }

    /** Made when it is needed: what keeps it from being made is a failure of the source alone. */
    private synchronized TopicKeeper topics() {
        Admin made = admin;
        if (made == null) {
            try {
                made = Admin.create(EventLog.adminSettings(client));
            } catch (KafkaException e) {
                throw LogFailures.of(e, "make a client");
            }
            admin = made;
        }
        return new TopicKeeper(made, new EventLogSettings("", client, false));
    }

    /** Kafka's own gives up for good when a broker has refused it once while it was connected. */
    private synchronized void makeAnew() {
        if (admin != null) {
            admin.close(Duration.ZERO);
            admin = null;
        }
    }

    @Override
    public LakeException explained(LakeException failure) {
        if (failure.getCause() instanceof AuthenticationException) {
            makeAnew();
        }
        String servers = kind.cluster().bootstrapServers();
        return switch (failure.getCause()) {
            case SslAuthenticationException e ->
                    new LakeException(
                            ErrorCode.UNAUTHENTICATED,
                            "Kafka at %s and the lake don't trust each other: %s. See whether ssl.truststore of the source's properties has who signed the brokers' certificate, and ssl.keystore what they ask for; then start the lake again."
                                    .formatted(servers, said(e)),
                            failure);
            case AuthenticationException e ->
                    new LakeException(
                            ErrorCode.UNAUTHENTICATED,
                            "Kafka at %s refuses the source's credentials: %s. When they are right there again it goes on by itself; else correct the source's properties and start the lake again."
                                    .formatted(servers, said(e)),
                            failure);
            case AuthorizationException e ->
                    new LakeException(
                            ErrorCode.FORBIDDEN,
                            "Kafka at %s doesn't allow it: %s. Its user has to Describe and Read topic %s; it goes on by itself then."
                                    .formatted(servers, said(e), kind.topic()),
                            failure);
            case KafkaException e when failure.code() == ErrorCode.LOG_UNAVAILABLE ->
                    new LakeException(
                            ErrorCode.SOURCE_UNAVAILABLE,
                            "Kafka at %s can't be read now: %s. Check bootstrap-servers and properties of the source, and that it can be reached from here."
                                    .formatted(servers, said(e)),
                            failure);
            case null, default -> failure;
        };
    }

    private static String said(Throwable e) {
        Throwable last = e;
        while (last.getCause() != null && last.getCause() != last) {
            last = last.getCause();
        }
        return String.valueOf(last.getMessage()).replaceFirst("[.]$", "");
    }

    @Override
    public SourceTopic prepare(SourceDefinition source, boolean isNew) {
        Optional<TopicDescription> found = described();
        if (found.isEmpty()) {
            wasAbsent = true;
        }
        TopicDescription topic =
                found.orElseThrow(() ->
                        new LakeException(
                                isNew ? ErrorCode.SOURCE_UNAVAILABLE : ErrorCode.LOG_GAP,
                                isNew
                                        ? "There is no topic %s at %s (or the lake's user may not see it)."
                                                .formatted(
                                                        kind.topic(),
                                                        kind.cluster().bootstrapServers())
                                        : "Topic %s of source %s is gone, though the lake has read from it. Restore it, or give the source a new name to begin anew."
                                                .formatted(kind.topic(), source.name())));
        int partitions = topic.partitions().size();
        TopicKeeper keeper = topics();
        keeper.awaitReady(kind.topic(), partitions);
        return new SourceTopic(
                kind.topic(), topic.topicId().toString(), keeper.clusterId(), partitions);
    }

    private Optional<TopicDescription> described() {
        try {
            return topics().describe(kind.topic());
        } catch (LakeException e) {
            if (e.getCause() instanceof TimeoutException) {
                throw new LakeException(
                        ErrorCode.SOURCE_UNAVAILABLE,
                        "No broker answers at %s (%s). Check bootstrap-servers and security.protocol of the source, and that it can be reached from here."
                                .formatted(
                                        kind.cluster().bootstrapServers(),
                                        e.getCause().getMessage()),
                        e);
            }
            throw e;
        }
    }

    @Override
    public Map<Integer, Long> begin(SourceTopic topic) {
        if (wasAbsent) {
            return Map.of();
        }
        Map<TopicPartition, LogReader.From> none = new HashMap<>();
        for (int partition = 0; partition < topic.partitions(); partition++) {
            none.put(
                    new TopicPartition(topic.name(), partition),
                    new LogReader.From(0, Optional.empty()));
        }
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            Map<Integer, Long> begin = new HashMap<>();
            (kind.fromStart()
                            ? consumer.beginningOffsets(none.keySet())
                            : consumer.endOffsets(none.keySet()))
                    .forEach((partition, offset) -> begin.put(partition.partition(), offset));
            return begin;
        } catch (RuntimeException e) {
            throw LogFailures.of(e, "find where " + topic.name() + " begins");
        }
    }

    /** Where to begin, to read about so many of the records that came last. */
    Map<Integer, LogReader.From> newest(SourceTopic topic, int records) {
        List<TopicPartition> all = new ArrayList<>();
        for (int partition = 0; partition < topic.partitions(); partition++) {
            all.add(new TopicPartition(topic.name(), partition));
        }
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            Map<TopicPartition, Long> ends = consumer.endOffsets(all);
            Map<Integer, LogReader.From> from = new HashMap<>();
            consumer.beginningOffsets(all)
                    .forEach((partition, begin) ->
                            from.put(
                                    partition.partition(),
                                    new LogReader.From(
                                            Math.max(
                                                    begin,
                                                    ends.getOrDefault(partition, begin)
                                                            - Math.ceilDiv(records, all.size())),
                                            Optional.empty())));
            return from;
        } catch (RuntimeException e) {
            throw LogFailures.of(e, "find where " + topic.name() + " ends");
        }
    }

    @Override
    public Optional<String> weakness(SourceTopic topic) {
        return Optional.empty();
    }

    @Override
    public LogReader reader(SourceTopic topic, Map<Integer, LogReader.From> from) {
        return new LogReader(
                consumer(),
                topic,
                from,
                new LogReader.Records() {
                    @Override
                    public boolean mayLackPositions() {
                        return true;
                    }

                    @Override
                    public BodyRecord body(ConsumerRecord<byte[], byte[]> record) {
                        return read(record);
                    }
                });
    }

    private KafkaConsumer<byte[], byte[]> consumer() {
        return new KafkaConsumer<>(
                EventLog.consumerSettings(client),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
    }

    @Override
    public String topicId(SourceTopic topic) {
        return topics().id(topic.name());
    }

    @Override
    public int partitions(SourceTopic topic) {
        return topics().describe(topic.name())
                .map(found -> found.partitions().size())
                .orElse(topic.partitions());
    }

    /** A record as one event, or none; what can't be read keeps its bytes and says so. */
    private BodyRecord read(ConsumerRecord<byte[], byte[]> record) {
        Map<String, String> headers = new TreeMap<>();
        for (Header header : record.headers()) {
            if (header.value() != null) {
                headers.put(header.key(), text(header.value()));
            }
        }
        Optional<String> key = Optional.ofNullable(record.key()).map(OutsideLog::text);
        return switch (decoder.decode(
                new TopicRecord(
                        record.partition(),
                        record.offset(),
                        record.timestamp(),
                        record.key(),
                        record.value()))) {
            case Decoded.Event event -> {
                headers.putAll(event.headers());
                Optional<String> problem = problem(event.json());
                // of a record without a value, or whose form is JSON, the two are the same
                byte[] kept = problem.isEmpty() ? event.json() : value(record);
                yield body(event.key().or(() -> key), headers, problem, 1, kept);
            }
            case Decoded.Unreadable unreadable -> {
                headers.putAll(unreadable.headers());
                yield body(
                        unreadable.key().or(() -> key),
                        headers,
                        Optional.of(unreadable.problem()),
                        1,
                        value(record));
            }
            case Decoded.Nothing nothing -> body(key, Map.of(), Optional.empty(), 0, new byte[0]);
        };
    }

    private static byte[] value(ConsumerRecord<byte[], byte[]> record) {
        return Objects.requireNonNullElseGet(record.value(), () -> new byte[0]);
    }

    private BodyRecord body(
            Optional<String> key,
            Map<String, String> headers,
            Optional<String> problem,
            int events,
            byte[] bytes) {
        return new BodyRecord(
                problem.isPresent() ? "application/octet-stream" : "application/json",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(new BodyRecord.Outside(key)),
                problem,
                events,
                RequestKeys.micros(clock.instant()),
                headers,
                bytes);
    }

    private static Optional<String> problem(byte[] json) {
        try {
            return EventCursor.count(json, BodyFormat.VALUE) == 1
                    ? Optional.empty()
                    : Optional.of("the record's value is empty");
        } catch (MalformedBodyException e) {
            return Optional.of(e.problem());
        }
    }

    /** Bytes that are no UTF-8 in Base64. */
    private static String text(byte[] bytes) {
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            return Base64.getEncoder().encodeToString(bytes);
        }
    }

    @Override
    public synchronized void close() {
        if (admin != null) {
            admin.close();
        }
        decoder.close();
    }
}
