package org.tonle.lake;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

/**
 * A broker as companies have it: clients come by TLS, with a password that it can change and asks
 * for again every {@link #SESSION_MILLIS}. Tests themselves come by another port.
 */
final class GuardedKafka implements AutoCloseable {
    static final String USER = "lake";
    private static final int SESSION_MILLIS = 1_000;
    private static final String STORE_PASSWORD = "of-the-store";
    private static final long LIMIT_SECONDS = 90;

    private final KafkaRaftServer server;
    private final int port;
    private final Path certificate;
    private final Map<String, Object> inside;

    private GuardedKafka(
            KafkaRaftServer server, int port, Path certificate, Map<String, Object> inside) {
        this.server = server;
        this.port = port;
        this.certificate = certificate;
        this.inside = inside;
    }

    static GuardedKafka start(Path folder) throws Exception {
        Path store = Files.createDirectories(folder).resolve("broker.p12");
        Path certificate = certificate(store);
        Path data = folder.resolve("data");
        new Formatter()
                .setClusterId(Uuid.randomUuid().toString())
                .setNodeId(1)
                .setControllerListenerName("CONTROLLER")
                .addDirectory(data.toString())
                .setMetadataLogDirectory(data.toString())
                .setPrintStream(
                        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8))
                .run();
        List<Integer> ports = freePorts();
        Properties settings = new Properties();
        settings.putAll(
                Map.of(
                        "process.roles",
                        "broker,controller",
                        "node.id",
                        "1",
                        "controller.quorum.voters",
                        "1@127.0.0.1:" + ports.get(2),
                        "log.dirs",
                        data.toString(),
                        "listeners",
                        "OUTER://127.0.0.1:%d,INNER://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d"
                                .formatted(ports.get(0), ports.get(1), ports.get(2)),
                        "listener.security.protocol.map",
                        "OUTER:SASL_SSL,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT",
                        "inter.broker.listener.name",
                        "INNER",
                        "controller.listener.names",
                        "CONTROLLER",
                        "offsets.topic.replication.factor",
                        "1",
                        "connections.max.reauth.ms",
                        String.valueOf(SESSION_MILLIS)));
        settings.putAll(
                Map.of(
                        "sasl.enabled.mechanisms",
                        "SCRAM-SHA-512",
                        "listener.name.outer.scram-sha-512.sasl.jaas.config",
                        "org.apache.kafka.common.security.scram.ScramLoginModule required;",
                        "ssl.keystore.type",
                        "PKCS12",
                        "ssl.keystore.location",
                        store.toString(),
                        "ssl.keystore.password",
                        STORE_PASSWORD));
        KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
        server.startup();
        return new GuardedKafka(
                server,
                ports.get(0),
                certificate,
                Map.of("bootstrap.servers", "127.0.0.1:" + ports.get(1)));
    }

    /** Makes a key, and says who signed for it. */
    static Path certificate(Path store) throws Exception {
        Path certificate = store.resolveSibling(store.getFileName() + ".pem");
        keytool(
                store,
                "-genkeypair",
                "-keyalg",
                "EC",
                "-dname",
                "CN=127.0.0.1",
                "-ext",
                "san=ip:127.0.0.1");
        keytool(store, "-exportcert", "-rfc", "-file", certificate.toString());
        return certificate;
    }

    private static void keytool(Path store, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of(arguments));
        command.addAll(
                List.of(
                        "-alias",
                        "broker",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        STORE_PASSWORD));
        Path said = store.resolveSibling("keytool.log");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
            process.destroyForcibly();
            throw new AssertionError(Files.readString(said));
        }
    }

    private static List<Integer> freePorts() throws IOException {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        try (ServerSocket one = new ServerSocket(0, 1, loopback);
                ServerSocket two = new ServerSocket(0, 1, loopback);
                ServerSocket three = new ServerSocket(0, 1, loopback)) {
            return List.of(one.getLocalPort(), two.getLocalPort(), three.getLocalPort());
        }
    }

    /** Where its clients come. */
    String address() {
        return "127.0.0.1:" + port;
    }

    /** Who signed for it. */
    Path certificate() {
        return certificate;
    }

    /** From now on its user has this password. */
    void password(String password) throws Exception {
        try (Admin admin = Admin.create(inside)) {
            admin.alterUserScramCredentials(
                            List.of(
                                    new UserScramCredentialUpsertion(
                                            USER,
                                            new ScramCredentialInfo(
                                                    ScramMechanism.SCRAM_SHA_512, 4096),
                                            password)))
                    .all()
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** From now on its user has none. */
    void withdraw() throws Exception {
        try (Admin admin = Admin.create(inside)) {
            admin.alterUserScramCredentials(
                            List.of(
                                    new UserScramCredentialDeletion(
                                            USER, ScramMechanism.SCRAM_SHA_512)))
                    .all()
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }
    }

    void create(String topic, int partitions) throws Exception {
        try (Admin admin = Admin.create(inside)) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1)))
                    .all()
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** Events {@code from} to {@code to}, over all partitions. */
    void produce(String topic, int from, int to) {
        Map<String, Object> settings = new java.util.HashMap<>(inside);
        settings.put("acks", "all");
        settings.put("max.in.flight.requests.per.connection", 1);
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (int i = from; i <= to; i++) {
                producer.send(new ProducerRecord<>(topic, "k" + i, "{\"id\":%d}".formatted(i)));
            }
        }
    }

    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
    }
}
