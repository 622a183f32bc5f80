package org.tonle.ingest;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Creates the topics of sources and sees to it that they are what a source needs. */
final class TopicKeeper {
    /** What a record's key, headers and framing add to its body. */
    private static final long RECORD_OVERHEAD_BYTES = 1 << 20;

    private static final short WANTED_REPLICAS = 3;
    private static final int LEAST_IN_SYNC = 2;
    private static final String MIN_IN_SYNC = "min.insync.replicas";

    private static final Duration READY_LIMIT = Duration.ofSeconds(30);

    private final Admin admin;
    private final EventLogSettings settings;

    TopicKeeper(Admin admin, EventLogSettings settings) {
        this.admin = admin;
        this.settings = settings;
    }

    /**
     * The topic of {@code source}, with the settings it needs, ready to be written.
     *
     * @param mayCreate whether it may be new: not if something was read from it already
     * @throws LakeException LOG_GAP if it must be there and isn't; INCOMPATIBLE_CHANGE if its
     *     number of partitions isn't the source's; LOG_UNAVAILABLE
     */
    SourceTopic prepare(SourceDefinition source, boolean mayCreate) {
        String name = "tonle." + settings.lake() + "." + source.name();
        Optional<TopicDescription> found = describe(name);
        if (found.isEmpty()) {
            if (!mayCreate) {
                throw new LakeException(
                        ErrorCode.LOG_GAP,
                        "Topic %s of source %s is gone from the event log, though the lake has read from it. Restore it there, or give the source a new name to begin anew."
                                .formatted(name, source.name()));
            }
            create(name, source);
            found = awaitVisible(name);
        } else {
            correct(name, source);
        }
        TopicDescription topic =
                found.orElseThrow(() ->
                        new LakeException(
                                ErrorCode.LOG_UNAVAILABLE,
                                "Topic %s was created and can't be seen yet.".formatted(name)));
        int partitions = topic.partitions().size();
        if (partitions != source.partitions()) {
            throw new LakeException(
                    ErrorCode.INCOMPATIBLE_CHANGE,
                    "Topic %s has %d partitions and source %s asks for %d. Their number never changes: repeats of a request would miss each other. Set partitions: %d."
                            .formatted(
                                    name,
                                    partitions,
                                    source.name(),
                                    source.partitions(),
                                    partitions));
        }
        awaitReady(name, partitions);
        return new SourceTopic(name, topic.topicId().toString(), clusterId(), partitions);
    }

    /** The topic that has this name now. */
    Optional<TopicDescription> describe(String name) {
        try {
            return Optional.of(
                    ask(
                            requireNonNull(
                                    admin.describeTopics(List.of(name))
                                            .topicNameValues()
                                            .get(name))));
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return Optional.empty();
            }
            throw LogFailures.of(e, "describe topic " + name);
        }
    }

    /** The broker that is asked may hear of a new topic a moment after the controller made it. */
    private Optional<TopicDescription> awaitVisible(String name) {
        long deadline = System.nanoTime() + READY_LIMIT.toNanos();
        Optional<TopicDescription> found = describe(name);
        while (found.isEmpty() && System.nanoTime() < deadline) {
            pause(name);
            found = describe(name);
        }
        return found;
    }

    /**
     * The id of the topic that has this name now.
     *
     * @throws LakeException LOG_GAP if there is none any more, LOG_UNAVAILABLE
     */
    String id(String name) {
        return describe(name)
                .orElseThrow(() ->
                        new LakeException(
                                ErrorCode.LOG_GAP,
                                "Topic %s is gone from the event log.".formatted(name)))
                .topicId()
                .toString();
    }

    private Map<String, String> wanted(SourceDefinition source) {
        Map<String, String> wanted = new HashMap<>();
        wanted.put("cleanup.policy", "delete");
        wanted.put("retention.ms", Long.toString(source.retention().toMillis()));
        wanted.put("retention.bytes", "-1");
        // retention counts by the broker's clock; when a body was taken stands in its headers
        wanted.put("message.timestamp.type", "LogAppendTime");
        wanted.put(
                "max.message.bytes",
                Long.toString(source.kind().maxRecordBytes() + RECORD_OVERHEAD_BYTES));
        wanted.put("unclean.leader.election.enable", "false");
        if (settings.flushEach()) {
            wanted.put("flush.messages", "1");
        }
        return wanted;
    }

    private void create(String name, SourceDefinition source) {
        try {
            Map<String, String> configs = wanted(source);
            Optional<Short> replicas = replicas(ask(admin.describeCluster().nodes()).size());
            replicas.ifPresent(all -> configs.put(MIN_IN_SYNC, Integer.toString(LEAST_IN_SYNC)));
            NewTopic topic =
                    new NewTopic(name, Optional.of(source.partitions()), replicas).configs(configs);
            ask(admin.createTopics(List.of(topic)).all());
        } catch (ExecutionException e) {
            // another process of the lake was first
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw LogFailures.of(e, "create topic " + name);
            }
        }
    }

    /** How many copies of a topic to ask for; empty leaves it to the brokers' own default. */
    static Optional<Short> replicas(int brokers) {
        return brokers >= WANTED_REPLICAS ? Optional.of(WANTED_REPLICAS) : Optional.empty();
    }

    /**
     * Why a body that was acknowledged in {@code topic} could be lost with one broker; empty if it
     * couldn't, or if the broker forces each record to disk.
     */
    Optional<String> weakness(SourceTopic topic) {
        if (settings.flushEach()) {
            return Optional.empty();
        }
        int replicas =
                describe(topic.name()).stream()
                        .flatMap(found -> found.partitions().stream())
                        .mapToInt(partition -> partition.replicas().size())
                        .min()
                        .orElse(0);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
        int inSync;
        try {
            Config config =
                    requireNonNull(
                            ask(admin.describeConfigs(List.of(resource)).all()).get(resource));
            inSync = Integer.parseInt(requireNonNull(config.get(MIN_IN_SYNC)).value());
        } catch (ExecutionException e) {
            throw LogFailures.of(e, "check the settings of topic " + topic.name());
        }
        if (replicas >= LEAST_IN_SYNC && inSync >= LEAST_IN_SYNC) {
            return Optional.empty();
        }
        return Optional.of(
                "Topic %s has replication factor %d and min.insync.replicas %d: what was acknowledged can be lost with a single broker, or its power. Give it %d replicas and min.insync.replicas=%d."
                        .formatted(topic.name(), replicas, inSync, WANTED_REPLICAS, LEAST_IN_SYNC));
    }

    /** Brings a topic that somebody changed, or an older definition made, to what is needed. */
    private void correct(String name, SourceDefinition source) {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, name);
        try {
            Config config =
                    ask(
                            requireNonNull(
                                    admin.describeConfigs(List.of(resource))
                                            .values()
                                            .get(resource)));
            List<AlterConfigOp> changes = new ArrayList<>();
            wanted(source)
                    .forEach((key, value) -> {
                        ConfigEntry entry = config.get(key);
                        if (entry == null || !value.equals(entry.value())) {
                            changes.add(
                                    new AlterConfigOp(
                                            new ConfigEntry(key, value), AlterConfigOp.OpType.SET));
                        }
                    });
            if (!changes.isEmpty()) {
                ask(admin.incrementalAlterConfigs(Map.of(resource, changes)).all());
            }
        } catch (ExecutionException e) {
            throw LogFailures.of(e, "check the settings of topic " + name);
        }
    }

    /**
     * Waits until every partition has a leader that answers. Producing right after the creation of
     * a topic with several partitions has lost records, even idempotently.
     */
    void awaitReady(String name, int partitions) {
        Map<TopicPartition, OffsetSpec> all = new HashMap<>();
        for (int partition = 0; partition < partitions; partition++) {
            all.put(new TopicPartition(name, partition), OffsetSpec.latest());
        }
        long deadline = System.nanoTime() + READY_LIMIT.toNanos();
        while (true) {
            try {
                ask(admin.listOffsets(all).all());
                return;
            } catch (ExecutionException e) {
                if (System.nanoTime() > deadline) {
                    throw LogFailures.of(e, "list the offsets of " + name);
                }
                pause(name);
            }
        }
    }

    private static void pause(String name) {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            throw LogFailures.of(e, "wait for the leaders of " + name);
        }
    }

    String clusterId() {
        try {
            return ask(admin.describeCluster().clusterId());
        } catch (ExecutionException e) {
            throw LogFailures.of(e, "describe the cluster");
        }
    }

    private static <T> T ask(KafkaFuture<T> future) throws ExecutionException {
        try {
            return future.get(30, TimeUnit.SECONDS);
        } catch (TimeoutException | InterruptedException e) {
            throw LogFailures.of(e, "administer it");
        }
    }
}
