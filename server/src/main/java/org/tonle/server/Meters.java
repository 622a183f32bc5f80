package org.tonle.server;

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
import java.util.List;
import java.util.function.ToLongFunction;
import org.tonle.lake.TableStatus;

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

    Meters() {
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

    /** In Prometheus' text format. */
    String scrape(List<TableStatus> datasets) {
        set(rows, datasets, TableStatus::rows);
        set(files, datasets, TableStatus::files);
        set(lag, datasets, TableStatus::lag);
        set(failing, datasets, d -> d.state() == TableStatus.State.FAILING ? 1 : 0);
        return registry.scrape();
    }

    private static void set(
            MultiGauge gauge, List<TableStatus> datasets, ToLongFunction<TableStatus> value) {
        List<MultiGauge.Row<?>> rows = new ArrayList<>();
        for (TableStatus dataset : datasets) {
            rows.add(
                    MultiGauge.Row.of(
                            Tags.of("dataset", dataset.name()), value.applyAsLong(dataset)));
        }
        gauge.register(rows, true);
    }
}
