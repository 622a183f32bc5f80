package org.tonle.ingest;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.definition.BronzeDefinition;

/**
 * Compacts the sources that this process brings to bronze, one after the other in one thread, so
 * that it takes one core at most. What fails is tried again at the next round.
 */
final class CompactionLoop implements Runnable {
    private static final Logger log = LoggerFactory.getLogger(CompactionLoop.class);

    private static final Duration PAUSE = Duration.ofSeconds(10);

    private final BronzeCompaction compaction;
    private final Supplier<List<SourceStatus>> sources;
    private final Function<String, List<BronzeDefinition>> tables;
    private final Map<String, Optional<Instant>> seen = new HashMap<>();
    private final CountDownLatch stop = new CountDownLatch(1);

    /**
     * @param tables those of a source, by its name
     */
    CompactionLoop(
            BronzeCompaction compaction,
            Supplier<List<SourceStatus>> sources,
            Function<String, List<BronzeDefinition>> tables) {
        this.compaction = compaction;
        this.sources = sources;
        this.tables = tables;
    }

    void stop() {
        stop.countDown();
    }

    @Override
    public void run() {
        try {
            while (!stop.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
                round();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void round() {
        for (SourceStatus source : sources.get()) {
            Optional<Instant> committed = source.committedAt();
            boolean changed = !committed.equals(seen.put(source.source(), committed));
            if (source.brings() && changed && stop.getCount() > 0) {
                tables.apply(source.source()).forEach(table -> compact(table.name()));
            }
        }
    }

    private void compact(String table) {
        try {
            while (stop.getCount() > 0 && compaction.compact(table)) {
                log.debug("Compacted files of bronze.{}", table);
            }
        } catch (RuntimeException e) {
            log.warn("Files of bronze.{} could not be compacted now", table, e);
        }
    }
}
