package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.tonle.embedded.EmbeddedKafka;

/**
 * Fills a topic of a cluster that isn't the lake's while the lake comes and goes, and remembers
 * what the broker acknowledged at which place. Some events are told twice, by somebody who didn't
 * know that they had arrived, and some records are no JSON.
 */
final class TopicFiller implements AutoCloseable {
    private static final String TOPIC = "taps";
    private static final int PARTITIONS = 3;
    private static final int KEYS = 40;
    private static final int AT_ONCE = 3;
    private static final long PAUSE_MILLIS = 50;

    /** Of so many records one tells what another one told. */
    private static final int TWICE_EVERY = 30;

    private static final int BROKEN_EVERY = 50;

    /** A slow machine has time for many. */
    private static final int MOST = 120_000;

    /** Rows of one answer. */
    private static final int PAGE = 10_000;

    private static final Duration LIMIT = Duration.ofSeconds(90);

    private final HttpClient http = HttpClient.newHttpClient();
    private final EmbeddedKafka kafka;
    private final Thread thread;
    private final Map<Integer, ConcurrentSkipListMap<Long, Integer>> acknowledged =
            new ConcurrentHashMap<>();
    private final Map<Integer, String> failed = new ConcurrentHashMap<>();
    private volatile boolean stopped;

    /** Starts a broker beside a lake's folder, adds the source, and begins. */
    TopicFiller(Path lake) {
        kafka = EmbeddedKafka.start(lake.resolveSibling("outside-kafka"));
        Map<String, String> client = kafka.clientProperties();
        Path jaas = lake.resolveSibling("outside-jaas");
        try (Admin admin = Admin.create(new HashMap<>(client))) {
            admin.createTopics(List.of(new NewTopic(TOPIC, PARTITIONS, (short) 1)))
                    .all()
                    .get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            Files.writeString(jaas, client.get("sasl.jaas.config"));
            Files.writeString(
                    lake.resolve("sources/taps.yaml"),
                    """
                    kind: kafka
                    topic: %s
                    bootstrap-servers: '%s'
                    properties:
                      security.protocol: %s
                      sasl.mechanism: %s
                      sasl.jaas.config: '${file:%s}'
                    id: id
                    columns: {n: int}
                    """
                            .formatted(
                                    TOPIC,
                                    client.get("bootstrap.servers"),
                                    client.get("security.protocol"),
                                    client.get("sasl.mechanism"),
                                    jaas));
            Files.writeString(
                    lake.resolve("pipelines/taps.sql"),
                    "CREATE STREAMING TABLE silver.taps AS SELECT event_id AS id, n, \"key\" AS k"
                            + " FROM STREAM bronze.taps;");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        for (int partition = 0; partition < PARTITIONS; partition++) {
            acknowledged.put(partition, new ConcurrentSkipListMap<>());
        }
        thread = Thread.ofPlatform().name("topic-filler").start(this::fill);
    }

    private void fill() {
        Map<String, Object> settings = new HashMap<>(kafka.clientProperties());
        settings.put("acks", "all");
        // several at once to a leader that is new can come out of order, and are tried for minutes
        settings.put("max.in.flight.requests.per.connection", 1);
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (int number = 0; !stopped && number < MOST; number++) {
                int sent = number;
                producer.send(
                        new ProducerRecord<>(TOPIC, key(told(number)), value(number)),
                        (metadata, failure) -> {
                            if (failure != null) {
                                failed.put(sent, failure.toString());
                            } else {
                                acknowledged.get(metadata.partition()).put(metadata.offset(), sent);
                            }
                        });
                if (number % AT_ONCE == 0) {
                    Thread.sleep(PAUSE_MILLIS);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Which event a record tells: mostly its own. */
    private static int told(int number) {
        return number % TWICE_EVERY == TWICE_EVERY - 1 ? number - 7 : number;
    }

    private static boolean isBroken(int number) {
        return told(number) % BROKEN_EVERY == BROKEN_EVERY - 1;
    }

    private static String key(int event) {
        return "k" + event % KEYS;
    }

    private static String value(int number) {
        int event = told(number);
        return isBroken(number)
                ? "broken " + event
                : "{\"id\":\"t%1$d\",\"n\":%1$d}".formatted(event);
    }

    /** Stops, and waits until a running lake has each record that was acknowledged once. */
    void check(LakeProcess.Address lake) throws IOException, InterruptedException {
        stop();
        assertThat(failed).isEmpty();
        List<Integer> all =
                acknowledged.values().stream().flatMap(part -> part.values().stream()).toList();
        Map<String, String> events = new TreeMap<>();
        List<String> broken = new ArrayList<>();
        for (int number : all) {
            int event = told(number);
            if (isBroken(number)) {
                broken.add(value(number));
            } else {
                events.put("t" + event, event + " " + key(event));
            }
        }
        CrashRun.awaitCount(http, lake, "bronze.taps", all.size(), LIMIT);
        CrashRun.awaitCount(http, lake, "silver.taps", events.size(), LIMIT);
        CrashRun.awaitCount(http, lake, "quarantine.silver_taps", broken.size(), LIMIT);
        for (Map.Entry<Integer, ConcurrentSkipListMap<Long, Integer>> part :
                acknowledged.entrySet()) {
            checkBronze(lake, part.getKey(), part.getValue());
        }
        Map<String, String> silver = new TreeMap<>();
        for (int from = 0; from < MOST; from += PAGE) {
            for (JsonNode row :
                    CrashRun.ask(
                            http,
                            lake,
                            "SELECT id, n, k FROM silver.taps WHERE n >= %d AND n < %d"
                                    .formatted(from, from + PAGE))) {
                silver.merge(
                        row.path("id").asText(),
                        row.path("n").asText() + " " + row.path("k").asText(),
                        (a, b) -> a + " and " + b);
            }
        }
        assertThat(silver).as("silver.taps").isEqualTo(events);
        List<String> refused = new ArrayList<>();
        CrashRun.ask(http, lake, "SELECT payload FROM quarantine.silver_taps")
                .forEach(row -> refused.add(row.path("payload").asText()));
        assertThat(refused).containsExactlyInAnyOrderElementsOf(broken);
        assertThat(new TreeSet<>(all)).hasSize(all.size()).hasSizeGreaterThan(200);
        System.out.printf(
                "outside topic: acknowledged %d, lost 0, doubled 0, events %d, refused %d%n",
                all.size(), events.size(), broken.size());
    }

    /** Each record of a partition is one row, at its place. */
    private void checkBronze(LakeProcess.Address lake, int partition, Map<Long, Integer> records)
            throws IOException, InterruptedException {
        List<String> wanted = new ArrayList<>();
        records.forEach((position, number) ->
                wanted.add(position + " " + key(told(number)) + " " + value(number)));
        List<String> found = new ArrayList<>();
        for (int from = 0; from < wanted.size(); from += PAGE) {
            for (JsonNode row :
                    CrashRun.ask(
                            http,
                            lake,
                            "SELECT \"position\", \"key\", payload FROM bronze.taps WHERE"
                                    + " \"partition\" = %d AND \"position\" >= %d AND \"position\" < %d ORDER BY 1"
                                            .formatted(partition, from, from + PAGE))) {
                found.add(
                        row.path("position").asText()
                                + " "
                                + row.path("key").asText()
                                + " "
                                + row.path("payload").asText());
            }
        }
        assertThat(found).as("partition %d of bronze.taps", partition).isEqualTo(wanted);
    }

    private void stop() throws InterruptedException {
        stopped = true;
        thread.join();
    }

    @Override
    public void close() throws InterruptedException {
        stop();
        kafka.close();
        http.close();
    }
}
