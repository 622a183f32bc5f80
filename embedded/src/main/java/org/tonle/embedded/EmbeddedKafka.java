package org.tonle.embedded;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * One Kafka broker, which is its own controller, inside this process and in a folder of its own,
 * for a lake that names no other event log. It forces every record to disk before it acknowledges
 * it, listens on loopback only, and asks clients and the controller's peers for a generated
 * password.
 *
 * <p>After a kill it recovers at the next {@link #start}; a broker that gives up for a full disk is
 * started again when there is room.
 */
public final class EmbeddedKafka implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(EmbeddedKafka.class);

    private static final String USER = "tonle";
    private static final String NODE = "1";

    /** A broker that has given up waits for threads of its own that are gone. */
    private static final Duration POLITE_STOP = Duration.ofSeconds(5);

    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

    /** A broker that runs, and what it said when it gave up. */
    private record Broker(KafkaRaftServer server, BrokerFaults faults) {}

    private final PrivateDirectory directory;
    private final Properties settings;
    private final Map<String, String> clientProperties;
    private final int port;
    private final Object stopping = new Object();
    private volatile Broker broker;
    private final Keeper keeper;
    private boolean closed;

    private EmbeddedKafka(
            PrivateDirectory directory,
            Properties settings,
            Broker broker,
            Map<String, String> clientProperties,
            int port) {
        this.directory = directory;
        this.settings = settings;
        this.broker = broker;
        this.clientProperties = clientProperties;
        this.port = port;
        this.keeper =
                Keeper.start(
                        "Kafka",
                        directory.path(),
                        new Keeper.Kept() {
                            @Override
                            public Optional<String> down() {
                                return EmbeddedKafka.this.broker.faults().first();
                            }

                            @Override
                            public void restart() throws Exception {
                                EmbeddedKafka.this.restart();
                            }
                        });
    }

    /**
     * Starts the broker whose data is in {@code dir}; creates it where there is none. Returns when
     * the broker takes requests.
     *
     * @throws LakeException IN_USE when another process holds {@code dir}, INVALID_DEFINITION when
     *     Kafka can't work in a folder of that name, LOG_UNAVAILABLE when the broker doesn't come
     *     up, STORAGE when the folder can't be written, CANCELLED when the thread is interrupted:
     *     the broker then ends by itself when it has come up, and holds {@code dir} until then
     */
    public static EmbeddedKafka start(Path dir) {
        PrivateDirectory directory = PrivateDirectory.open(dir, "Kafka");
        try {
            String password = directory.secret("password");
            int port = directory.port("port", Set.of());
            int controllerPort = directory.port("controller-port", Set.of(port));
            Path data = directory.path().resolve("data");
            if (data.toString().contains(",")) {
                throw new LakeException(
                        ErrorCode.INVALID_DEFINITION,
                        "The embedded Kafka can't keep its data in %s: it takes a comma for the end of a folder's name. Rename the folder."
                                .formatted(data));
            }
            Properties settings = settings(data, password, port, controllerPort);
            Broker broker = launch(settings, () -> format(directory, data), directory);
            log.info("Started Kafka on port {}", port);
            return new EmbeddedKafka(
                    directory, settings, broker, clientProperties(password, port), port);
        } catch (InterruptedException e) {
            // the folder is held until what was begun is over
            throw Waiting.interrupted(e);
        } catch (LakeException e) {
            directory.close();
            throw e;
        } catch (Exception e) {
            directory.close();
            throw notUp(dir, e);
        }
    }

    private interface Preparation {
        void run() throws Exception;
    }

    /**
     * Starts a broker and waits for it. All that Kafka does it does on a thread of its own: to be
     * interrupted while its classes are initialized would break them for the whole process.
     *
     * @param before done on that thread first
     * @param held closed when a start is over that nobody waits for any more
     * @throws InterruptedException the broker then ends by itself when it has come up
     */
    private static Broker launch(Properties settings, Preparation before, AutoCloseable held)
            throws InterruptedException {
        BrokerFaults faults = BrokerFaults.watch();
        FutureTask<KafkaRaftServer> startup =
                new FutureTask<>(() -> {
                    before.run();
                    KafkaRaftServer server =
                            new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
                    try {
                        server.startup();
                        return server;
                    } catch (RuntimeException | Error e) {
                        server.shutdown();
                        throw e;
                    }
                });
        Thread.ofPlatform().daemon().name("kafka-start").start(startup);
        try {
            return new Broker(startup.get(), faults);
        } catch (InterruptedException e) {
            abandon(startup, faults, held);
            throw e;
        } catch (ExecutionException e) {
            faults.close();
            if (e.getCause() instanceof LakeException known) {
                throw known;
            }
            throw notUp(settings.getProperty("log.dirs"), e.getCause() == null ? e : e.getCause());
        }
    }

    private static LakeException notUp(Object dir, Throwable why) {
        return new LakeException(
                ErrorCode.LOG_UNAVAILABLE,
                "The embedded Kafka in %s did not come up: %s. Look at the log above; free disk space and ports are the usual reasons."
                        .formatted(dir, why),
                why);
    }

    /** Kafka's start can't be broken off: who waited for it goes, and it ends when it is up. */
    private static void abandon(
            FutureTask<KafkaRaftServer> startup, BrokerFaults faults, AutoCloseable held) {
        Thread.ofPlatform()
                .daemon()
                .name("kafka-abandoned")
                .start(() -> {
                    try (held;
                            faults) {
                        KafkaRaftServer server = startup.get();
                        server.shutdown();
                        server.awaitShutdown();
                    } catch (Exception e) {
                        log.info("Kafka's start, which nobody waits for any more, failed", e);
                    }
                });
    }

    /**
     * Ends a broker that has given up, and starts another on the same data, which it recovers as
     * after a kill: what it had acknowledged is on the disk.
     */
    private void restart() throws InterruptedException {
        stopFaulty();
        broker = launch(settings, () -> {}, () -> {});
    }

    private void stopFaulty() throws InterruptedException {
        synchronized (stopping) {
            Thread thread =
                    Thread.ofPlatform()
                            .daemon()
                            .name("kafka-stop")
                            .start(() -> broker.server().shutdown());
            if (!thread.join(POLITE_STOP)) {
                // it asks a controller that is gone whether it may go
                thread.interrupt();
                if (!thread.join(STOP_LIMIT)) {
                    throw new LakeException(
                            ErrorCode.LOG_UNAVAILABLE,
                            "What is left of the embedded Kafka doesn't end. Restart the lake; nothing that was acknowledged is lost.");
                }
            }
        }
    }

    /** What a client of this broker is configured with: where it is and how to log in. */
    public Map<String, String> clientProperties() {
        return clientProperties;
    }

    public int port() {
        return port;
    }

    /**
     * Why the broker has given up (a full or broken disk, most often) and what is waited for; empty
     * while it runs. It is started again by itself.
     */
    public Optional<String> fault() {
        return keeper.fault();
    }

    /**
     * Makes the broker begin again from what is on its disk; returns when it takes nothing any
     * more. For a caller that has seen it fail in a way that it doesn't notice itself: a full disk
     * has no room for a page of a mapped index, which comes out as an unknown error after the
     * record was written, and the broker would then give the record's position away again.
     */
    public void giveUp(String reason) {
        if (!broker.faults().note(reason)) {
            return;
        }
        try {
            stopFaulty();
        } catch (InterruptedException e) {
            throw Waiting.interrupted(e);
        }
    }

    private static Map<String, String> clientProperties(String password, int port) {
        return Map.of(
                "bootstrap.servers",
                "127.0.0.1:" + port,
                "security.protocol",
                "SASL_PLAINTEXT",
                "sasl.mechanism",
                "PLAIN",
                "sasl.jaas.config",
                login(password) + ";");
    }

    private static String login(String password) {
        return "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"%s\" password=\"%s\""
                .formatted(USER, password);
    }

    private static void format(PrivateDirectory directory, Path data) throws Exception {
        String cluster = directory.remembered("cluster-id", Uuid.randomUuid().toString());
        if (Files.exists(data.resolve("meta.properties"))) {
            return;
        }
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        try (PrintStream print = new PrintStream(said, true, StandardCharsets.UTF_8)) {
            new Formatter()
                    .setClusterId(cluster)
                    .setNodeId(Integer.parseInt(NODE))
                    .setControllerListenerName("CONTROLLER")
                    .addDirectory(data.toString())
                    .setMetadataLogDirectory(data.toString())
                    .setIgnoreFormatted(true)
                    .setPrintStream(print)
                    .run();
        }
        log.debug("{}", said.toString(StandardCharsets.UTF_8).strip());
    }

    private static Properties settings(Path data, String password, int port, int controllerPort)
            throws IOException {
        String accept = login(password) + " user_" + USER + "=\"" + password + "\";";
        Properties settings = new Properties();
        settings.putAll(
                Map.of(
                        "process.roles",
                        "broker,controller",
                        "node.id",
                        NODE,
                        "controller.quorum.voters",
                        NODE + "@127.0.0.1:" + controllerPort,
                        "log.dirs",
                        data.toString(),
                        "listeners",
                        "CLIENT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d"
                                .formatted(port, controllerPort),
                        "listener.security.protocol.map",
                        "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
                        "inter.broker.listener.name",
                        "CLIENT",
                        "controller.listener.names",
                        "CONTROLLER"));
        settings.putAll(
                Map.of(
                        "sasl.enabled.mechanisms", "PLAIN",
                        "sasl.mechanism.inter.broker.protocol", "PLAIN",
                        "sasl.mechanism.controller.protocol", "PLAIN",
                        "listener.name.client.plain.sasl.jaas.config", accept,
                        "listener.name.controller.plain.sasl.jaas.config", accept,
                        "listener.name.controller.sasl.enabled.mechanisms", "PLAIN"));
        // one broker has no second copy: what it acknowledges must be on its disk
        settings.putAll(
                Map.of(
                        "log.flush.interval.messages", "1",
                        "auto.create.topics.enable", "false",
                        "unclean.leader.election.enable", "false",
                        "min.insync.replicas", "1",
                        "default.replication.factor", "1",
                        "offsets.topic.replication.factor", "1",
                        "offsets.topic.num.partitions", "1",
                        "transaction.state.log.replication.factor", "1",
                        "transaction.state.log.min.isr", "1",
                        "transaction.state.log.num.partitions", "1"));
        // a laptop's share of threads and memory
        settings.putAll(
                Map.of(
                        "num.network.threads", "1",
                        "num.io.threads", "2",
                        "background.threads", "1",
                        "num.recovery.threads.per.data.dir", "1",
                        "log.cleaner.threads", "1",
                        "log.cleaner.dedupe.buffer.size", "2097152",
                        "log.cleaner.io.buffer.size", "65536",
                        "log.index.size.max.bytes", "1048576",
                        "group.coordinator.threads", "1",
                        "metadata.max.idle.interval.ms", "0"));
        settings.putAll(
                Map.of(
                        "message.max.bytes", "33554432",
                        "socket.request.max.bytes", "67108864",
                        "log.segment.bytes", "268435456",
                        "group.initial.rebalance.delay.ms", "0",
                        "share.coordinator.state.topic.replication.factor", "1",
                        "share.coordinator.state.topic.num.partitions", "1",
                        "share.coordinator.state.topic.min.isr", "1"));
        // after a kill the controller holds the dead broker's place this long: a start waits for it
        settings.putAll(
                Map.of("broker.session.timeout.ms", "1500", "broker.heartbeat.interval.ms", "500"));
        return settings;
    }

    /** Stops the broker with everything on disk, and gives the folder back. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        keeper.close();
        try {
            broker.server().shutdown();
            broker.server().awaitShutdown();
        } finally {
            broker.faults().close();
            directory.close();
        }
    }
}
