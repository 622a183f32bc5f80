package org.tonle.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tonle.definition.JsonPath;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.spi.LakeException;
import org.tonle.spi.RecordDecoder;
import org.tonle.spi.Source;
import org.tonle.spi.SourceBody;

/**
 * A few events of a source, read without taking them: nothing is remembered of it, here or there.
 * Used by one thread.
 */
public final class SourceSample {
    private final int most;
    private final SchemaInference schema;
    private final List<String> events = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private long read;

    /**
     * @param most events
     * @param under where the columns are in an event
     */
    private SourceSample(int most, List<JsonPath.Step> under) {
        this.most = most;
        this.schema = new SchemaInference(under);
    }

    /**
     * The newest records of a topic.
     *
     * @param decoder is closed
     * @throws LakeException what keeps it from being read
     */
    public static SourceSample ofTopic(
            SourceDefinition source,
            SourceKind.Kafka kind,
            RecordDecoder decoder,
            int most,
            List<JsonPath.Step> under,
            Duration limit) {
        SourceSample sample = new SourceSample(most, under);
        long deadline = System.nanoTime() + limit.toNanos();
        try (OutsideLog log = new OutsideLog(kind, decoder, Clock.systemUTC())) {
            try {
                sample.read(log, log.prepare(source, true), deadline);
            } catch (LakeException e) {
                throw log.explained(e);
            }
        }
        return sample;
    }

    /**
     * What a source gives first.
     *
     * @param opened is closed
     * @throws LakeException what keeps it from being read
     */
    public static SourceSample of(
            Source opened, int most, List<JsonPath.Step> under, Duration limit)
            throws InterruptedException {
        SourceSample sample = new SourceSample(most, under);
        long deadline = System.nanoTime() + limit.toNanos();
        try (Source source = opened) {
            source.begin(Map.of());
            boolean more = true;
            while (more && !sample.isFull() && System.nanoTime() < deadline) {
                List<SourceBody> bodies = source.poll(Duration.ofMillis(100));
                more = bodies.isEmpty() ? sample.read == 0 : true;
                for (SourceBody body : bodies) {
                    sample.add(BodyRecord.ofSource(body, "", 0));
                }
            }
        }
        return sample;
    }

    private void read(OutsideLog log, SourceTopic topic, long deadline) {
        try (LogReader reader = log.reader(topic, log.newest(topic, most))) {
            Map<Integer, Long> ends = reader.ends();
            while (!isFull() && !reader.reached(ends) && System.nanoTime() < deadline) {
                reader.poll(Duration.ofMillis(100)).forEach(record -> add(record.body()));
            }
        }
    }

    private boolean isFull() {
        return read >= most;
    }

    private void add(BodyRecord body) {
        if (body.problem().isPresent()) {
            if (!isFull()) {
                read++;
                problems.add(body.problem().get());
            }
            return;
        }
        EventCursor cursor = new EventCursor(body.body(), body.format());
        while (!isFull() && cursor.next()) {
            read++;
            schema.add(body.body(), cursor.start(), cursor.end());
            events.add(
                    new String(body.body(), cursor.start(), cursor.end() - cursor.start(), UTF_8));
        }
    }

    /** How many events and records that are none were read. */
    public long read() {
        return read;
    }

    /** The events, as JSON. */
    public List<String> events() {
        return List.copyOf(events);
    }

    /** Why each of the others couldn't be read. */
    public List<String> problems() {
        return List.copyOf(problems);
    }

    public List<InferredColumn> columns() {
        return schema.columns();
    }
}
