package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.io.FileIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.TableFiles;
import org.tonle.definition.SourceDefinition;
import org.tonle.pipeline.TestLake.Event;
import org.tonle.spi.FailPoints;
import org.tonle.sql.FetchingEngine;

/** Where files lie elsewhere, work brings those here that it needs and no others. */
class FetchedFilesIT {
    private static final String SILVER =
            "CREATE STREAMING TABLE silver.events AS SELECT event_id AS id, payload"
                    + " FROM STREAM bronze.events";
    private static final String CHECKED =
            "CREATE STREAMING TABLE silver.checked (CONSTRAINT small EXPECT (LENGTH(payload) < %d)"
                    + " ON VIOLATION DROP ROW) AS SELECT id, payload FROM STREAM silver.events";

    @TempDir private Path dir;
    private TestLake lake;
    private Asked asked;

    /** The lake's files, which lie here, and who asked for which. */
    private static final class Asked implements TableFiles {
        private final TableFiles files;
        private final Set<Path> paths = ConcurrentHashMap.newKeySet();

        Asked(TableFiles files) {
            this.files = files;
        }

        @Override
        public FileIO io() {
            return files.io();
        }

        @Override
        public String root() {
            return files.root();
        }

        @Override
        public Path folder() {
            return files.folder();
        }

        @Override
        public Path path(String location) {
            return files.path(location);
        }

        @Override
        public String location(Path path) {
            return files.location(path);
        }

        @Override
        public void store(Path path) {
            files.store(path);
        }

        @Override
        public void delete(String location) {
            files.delete(location);
        }

        @Override
        public Held hold(Collection<Path> all, Duration timeout) {
            paths.addAll(all);
            return files.hold(all, timeout);
        }

        @Override
        public boolean isHere(Path path) {
            return files.isHere(path);
        }
    }

    @BeforeEach
    void open() {
        lake = new TestLake(dir, SourceDefinition.named("events"));
        asked = new Asked(lake.catalog.files());
        lake.worked = new FetchingEngine(lake.engine, asked);
    }

    @AfterEach
    void close() {
        lake.close();
    }

    private static Event event(String id, int day, String payload) {
        return new Event(id, TestLake.START.plus(Duration.ofDays(day)), payload);
    }

    /** Three files of silver, ten days apart. */
    private void history(PipelineRunner runner) throws InterruptedException {
        lake.arrive("events", event("a", 0, "{}"), event("long", 0, "{\"n\":1234567}"));
        lake.settled(runner);
        lake.arrive("events", event("b", 10, "{}"));
        lake.settled(runner);
        lake.arrive("events", event("c", 20, "{}"));
        lake.settled(runner);
    }

    private Set<Path> files(String table) {
        PinnedTable pinned =
                lake.catalog.pin().table(TableIdentifier.of("silver", table)).orElseThrow();
        return pinned.files().stream().map(pinned::path).collect(Collectors.toSet());
    }

    private Set<Path> askedOf(String table) {
        Set<Path> of = new HashSet<>(files(table));
        of.retainAll(asked.paths);
        return of;
    }

    @Test
    void keysAreReadOfTheWindowBeforeWhatComesAndNotOfAllHistory() throws Exception {
        PipelineRunner before = lake.run(lake.datasets(SILVER), "one", FailPoints.NONE);
        history(before);
        assertThat(files("events")).hasSize(3);
        before.stop();
        Set<Path> all = files("events");
        asked.paths.clear();

        PipelineRunner after = lake.run(lake.datasets(SILVER), "one", FailPoints.NONE);
        // the last is a repeat, the first no more
        lake.arrive("events", event("a", 21, "{}"), event("c", 21, "{}"));
        lake.settled(after);

        assertThat(lake.rows("SELECT id FROM silver.events ORDER BY id"))
                .containsExactly("a", "a", "b", "c", "long");
        all.retainAll(asked.paths);
        assertThat(all).hasSize(1);
    }

    @Test
    void aReplayReadsOfAStreamingTableTheTimeOfWhatWasRefused() throws Exception {
        PipelineRunner before =
                lake.run(lake.datasets(SILVER, CHECKED.formatted(5)), "one", FailPoints.NONE);
        history(before);
        before.stop();
        PipelineRunner after =
                lake.run(lake.datasets(SILVER, CHECKED.formatted(50)), "one", FailPoints.NONE);
        lake.settled(after);
        asked.paths.clear();

        TaskResult result =
                after.perform(
                        new DatasetTask.Replay(
                                "silver.checked", Optional.empty(), Optional.empty(), "anna"));

        assertThat(result.read()).isEqualTo(1);
        assertThat(lake.rows("SELECT id FROM silver.checked ORDER BY id"))
                .containsExactly("a", "b", "c", "long");
        assertThat(askedOf("events")).hasSize(1);
    }
}
