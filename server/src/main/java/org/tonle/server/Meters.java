package org.tonle.server;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.tonle.ingest.SourceStatus;
import org.tonle.lake.CacheCounts;
import org.tonle.lake.LineageEvents;
import org.tonle.lake.SourceReport;
import org.tonle.lake.TableStatus;
import org.tonle.query.AnswerCounts;
import org.tonle.spi.LakeException;

/**
 * What {@code /metrics} shows. Labels are names of sources and datasets of the definition, routes
 * and statuses: nothing that a client can make up.
 */
final class Meters {
    private final PrometheusMeterRegistry registry =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final MultiGauge rows = MultiGauge.builder("tonle.dataset.rows").register(registry);
    private final MultiGauge files = MultiGauge.builder("tonle.dataset.files").register(registry);
    private final MultiGauge lag = MultiGauge.builder("tonle.dataset.lag").register(registry);
    private final MultiGauge failing =
            MultiGauge.builder("tonle.dataset.failing").register(registry);

    private final MultiGauge retentionLeft =
            MultiGauge.builder("tonle.source.retention.left")
                    .baseUnit("seconds")
                    .register(registry);
    private final MultiGauge lagAlarm =
            MultiGauge.builder("tonle.source.lag.alarm").register(registry);
    private final MultiGauge sourceState =
            MultiGauge.builder("tonle.source.state").register(registry);
    private final MultiGauge sourceLag = MultiGauge.builder("tonle.source.lag").register(registry);
    private final MultiGauge sourceBehind =
            MultiGauge.builder("tonle.source.lag.seconds").register(registry);
    private final MultiGauge sourceHeld =
            MultiGauge.builder("tonle.source.held").baseUnit("bytes").register(registry);
    private final MultiGauge sourceCommitted =
            MultiGauge.builder("tonle.source.committed.timestamp.seconds").register(registry);
    private final AtomicLong ready = new AtomicLong();

    private final MultiGauge lineageWaiting =
            MultiGauge.builder("tonle.lineage.waiting").register(registry);

    private final MultiGauge cacheBytes =
            MultiGauge.builder("tonle.cache").baseUnit("bytes").register(registry);

    /** What others count, by tags; a counter keeps no hold of what it reads. */
    private final Map<Total, AtomicLong> totals = new ConcurrentHashMap<>();

    private record Total(String name, Tags tags) {}

    Meters() {
        Gauge.builder("tonle.ready", ready, AtomicLong::get).register(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
    }

    PrometheusMeterRegistry registry() {
        return registry;
    }

    void watch(String name, Gate gate) {
        Gauge.builder("tonle.requests.inside", gate, Gate::inside)
                .tag("kind", name)
                .register(registry);
    }

    void watch(ByteBudget bytes) {
        Gauge.builder("tonle.requests.bytes", bytes, ByteBudget::taken).register(registry);
    }

    void ingested(String source, int events, int bytes) {
        registry.counter("tonle.ingest.requests", "source", source).increment();
        registry.counter("tonle.ingest.events", "source", source).increment(events);
        registry.counter("tonle.ingest.bytes", "source", source).increment(bytes);
    }

    /** An Iceberg client has told how a scan or a commit of its went. */
    void reported() {
        registry.counter("tonle.iceberg.reports").increment();
    }

    /**
     * In Prometheus' text format. While the lake can't say how its tables are, the rest is there,
     * and what is known of the tables isn't: old numbers would look like good ones.
     */
    String scrape(Backend lake) {
        count(lake.answers());
        lake.lineageEvents().ifPresent(this::count);
        lake.cache().ifPresent(this::count);
        ready.set(lake.notReady().isEmpty() ? 1 : 0);
        List<TableStatus> datasets;
        try {
            datasets = lake.tables();
        } catch (LakeException e) {
            ready.set(0);
            datasets = List.of();
        }
        List<SourceReport> sources;
        try {
            sources = lake.sources();
        } catch (LakeException e) {
            ready.set(0);
            sources = List.of();
        }
        List<TableStatus> whole = datasets.stream().filter(TableStatus::whole).toList();
        set(rows, whole, TableStatus::rows);
        set(files, whole, TableStatus::files);
        set(lag, datasets, TableStatus::lag);
        set(failing, datasets, d -> d.state() == TableStatus.State.FAILING ? 1 : 0);
        List<TableStatus> forgetting =
                datasets.stream().filter(dataset -> dataset.retention().isPresent()).toList();
        set(retentionLeft, forgetting, s -> s.retention().orElseThrow().left().toSeconds());
        set(lagAlarm, forgetting, s -> s.retention().orElseThrow().alarm() ? 1 : 0);
        datasets.forEach(this::count);
        watch(sources);
        sources.forEach(this::count);
        return registry.scrape();
    }

    private void watch(List<SourceReport> sources) {
        // one of them is 1
        sourceState.register(
                sources.stream()
                        .flatMap(source ->
                                Arrays.stream(SourceStatus.State.values())
                                        .map(state -> state(source, state)))
                        .collect(Collectors.toList()),
                true);
        of(sourceLag, sources, source -> OptionalLong.of(source.lag()));
        of(sourceBehind, sources, source -> OptionalLong.of(source.behind().toSeconds()));
        of(sourceHeld, sources, SourceReport::heldBytes);
        of(
                sourceCommitted,
                sources,
                source ->
                        source.committedAt()
                                .map(at -> OptionalLong.of(at.getEpochSecond()))
                                .orElse(OptionalLong.empty()));
    }

    private static MultiGauge.Row<?> state(SourceReport source, SourceStatus.State state) {
        return MultiGauge.Row.of(
                Tags.of("source", source.name(), "state", state.name().toLowerCase(Locale.ROOT)),
                source.state() == state ? 1 : 0);
    }

    private static void of(
            MultiGauge gauge,
            List<SourceReport> sources,
            Function<SourceReport, OptionalLong> value) {
        List<MultiGauge.Row<?>> rows = new ArrayList<>();
        for (SourceReport source : sources) {
            value.apply(source)
                    .ifPresent(now ->
                            rows.add(MultiGauge.Row.of(Tags.of("source", source.name()), now)));
        }
        gauge.register(rows, true);
    }

    private void count(SourceReport source) {
        Tags tags = Tags.of("source", source.name());
        total("tonle.source.events", tags, source.counts().events());
        total("tonle.source.bytes", tags, source.counts().bytes());
        total("tonle.source.unreadable", tags, source.counts().unreadable());
        total("tonle.source.repeats", tags, source.repeats());
        total("tonle.source.errors", tags, source.counts().errors());
    }

    private void count(AnswerCounts answers) {
        total("tonle.query.answers", Tags.of("from", "run"), answers.run());
        total("tonle.query.answers", Tags.of("from", "kept"), answers.kept());
        total("tonle.query.answers", Tags.of("from", "unchanged"), answers.unchanged());
    }

    private void count(LineageEvents events) {
        total("tonle.lineage.events", Tags.of("outcome", "sent"), events.sent());
        total("tonle.lineage.events", Tags.of("outcome", "dropped"), events.dropped());
        lineageWaiting.register(List.of(MultiGauge.Row.of(Tags.empty(), events.waiting())), true);
    }

    private void count(CacheCounts cache) {
        total("tonle.cache.files", Tags.of("outcome", "hit"), cache.hits());
        total("tonle.cache.files", Tags.of("outcome", "miss"), cache.misses());
        total("tonle.cache.fetched.bytes", Tags.empty(), cache.fetchedBytes());
        cacheBytes.register(
                List.of(
                        MultiGauge.Row.of(Tags.of("which", "used"), cache.bytes()),
                        MultiGauge.Row.of(Tags.of("which", "limit"), cache.limitBytes())),
                true);
    }

    private void count(TableStatus dataset) {
        for (TableStatus.Expectation expectation : dataset.expectations()) {
            count(dataset.name().toString(), expectation.name(), "passed", expectation.passed());
            count(dataset.name().toString(), expectation.name(), "failed", expectation.failed());
        }
    }

    private void count(String dataset, String expectation, String outcome, long total) {
        total(
                "tonle.expectation.rows",
                Tags.of("dataset", dataset, "expectation", expectation, "outcome", outcome),
                total);
    }

    private void total(String name, Tags tags, long total) {
        totals.computeIfAbsent(
                        new Total(name, tags),
                        added -> {
                            AtomicLong count = new AtomicLong();
                            FunctionCounter.builder(name, count, AtomicLong::get)
                                    .tags(tags)
                                    .register(registry);
                            return count;
                        })
                .set(total);
    }

    private static void set(
            MultiGauge gauge, List<TableStatus> datasets, ToLongFunction<TableStatus> value) {
        List<MultiGauge.Row<?>> rows = new ArrayList<>();
        for (TableStatus dataset : datasets) {
            rows.add(
                    MultiGauge.Row.of(
                            Tags.of("dataset", dataset.name().toString()),
                            value.applyAsLong(dataset)));
        }
        gauge.register(rows, true);
    }
}
