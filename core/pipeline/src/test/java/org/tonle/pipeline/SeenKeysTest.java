package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tonle.sql.KeyBatch;

class SeenKeysTest {
    private static final Duration WINDOW = Duration.ofMillis(1);

    @TempDir private Path dir;

    /** A run is shorter than what the heap takes, or several times as long. */
    @ParameterizedTest
    @ValueSource(ints = {100, 20, 7})
    void agreesWithAMapOverRandomRunsThatCommitOrFail(int onHeap) throws IOException {
        Random random = new Random(7);
        Map<String, Long> model = new HashMap<>();
        try (RootAllocator allocator = new RootAllocator();
                SeenKeys keys = new SeenKeys(WINDOW, dir, onHeap)) {
            long clock = 0;
            for (int run = 0; run < 400; run++) {
                Map<String, Long> after = new HashMap<>(model);
                BitSet expected = new BitSet();
                int rows = 1 + random.nextInt(60);
                try (VarCharVector names = new VarCharVector("k", allocator);
                        BigIntVector times = new BigIntVector("t", allocator)) {
                    names.allocateNew(rows);
                    times.allocateNew(rows);
                    for (int i = 0; i < rows; i++) {
                        String key = "key-" + random.nextInt(5 * onHeap);
                        // now and then a window goes by
                        clock += random.nextInt(40) == 0 ? 1001 : random.nextInt(3);
                        names.setSafe(i, key.getBytes(StandardCharsets.UTF_8));
                        times.setSafe(i, clock);
                        Long first = after.get(key);
                        if (first != null && clock - first <= 1000) {
                            expected.set(i);
                        } else {
                            after.put(key, clock);
                        }
                    }
                    names.setValueCount(rows);
                    times.setValueCount(rows);
                    assertThat(keys.duplicates(new KeyBatch(names, times))).isEqualTo(expected);
                    assertThat(keys.onHeap()).isLessThan(2 * onHeap);
                }
                if (random.nextInt(4) == 0) {
                    keys.rollback();
                } else {
                    keys.commit();
                    model = after;
                }
            }
        }
        try (var left = Files.list(dir)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void whatWasLoadedIsSeen() {
        try (RootAllocator allocator = new RootAllocator();
                SeenKeys keys = new SeenKeys(Duration.ofDays(7), dir, 1000);
                VarCharVector names = new VarCharVector("k", allocator);
                BigIntVector times = new BigIntVector("t", allocator)) {
            for (int i = 0; i < 50_000; i++) {
                keys.load(("k" + i).getBytes(StandardCharsets.UTF_8), i);
            }
            BitSet expected = new BitSet();
            names.allocateNew();
            times.allocateNew();
            for (int i = 0; i < 60_000; i++) {
                names.setSafe(i, ("k" + i).getBytes(StandardCharsets.UTF_8));
                times.setSafe(i, 60_000);
                expected.set(i, i < 50_000);
            }
            names.setValueCount(60_000);
            times.setValueCount(60_000);
            assertThat(keys.duplicates(new KeyBatch(names, times))).isEqualTo(expected);
        }
    }

    @Test
    void ofAKeyThatIsLoadedTwiceTheLaterRowCountsInWhateverOrderTheyCome() {
        try (SeenKeys keys = new SeenKeys(WINDOW, dir, 20)) {
            byte[] key = "k".getBytes(StandardCharsets.UTF_8);
            keys.load(key, 5_000);
            for (int i = 0; i < 30; i++) {
                keys.load(("other" + i).getBytes(StandardCharsets.UTF_8), 5_000);
            }
            keys.load(key, 3_500);
            assertThat(keys.isDuplicate(key, 5_500)).isTrue();
        }
    }

    private static byte[] key(int n) {
        return ("k" + n).getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void onlyFilesAreAskedWhoseKeysMayMatter() {
        try (SeenKeys keys = new SeenKeys(WINDOW, dir, 100)) {
            for (int i = 0; i < 5_000; i++) {
                // two of a time
                keys.load(key(i), i / 2);
            }
            assertThat(keys.asked()).as("what comes in order is new").isZero();
            assertThat(keys.isDuplicate(key(2_400), 2_200)).isTrue();
            assertThat(keys.isDuplicate(key(2_400), 2_201)).as("a window later").isFalse();
            long before = keys.asked();
            assertThat(before).isPositive();
            assertThat(keys.isDuplicate(key(7_000), 9_000)).isFalse();
            assertThat(keys.asked()).as("all are older than the window").isEqualTo(before);
        }
    }

    /** Keys of some times come in any order; of each the latest counts. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5})
    void agreesWithAMapHoweverKeysAreLoaded(int seed) {
        Random random = new Random(seed);
        Map<Integer, Long> latest = new HashMap<>();
        try (SeenKeys keys = new SeenKeys(WINDOW, dir, 16)) {
            for (int i = 0; i < 3_000; i++) {
                int key = random.nextInt(300);
                long time = i + random.nextInt(-800, 800);
                keys.load(key(key), time);
                latest.merge(key, time, Math::max);
            }
            // what is older than two windows may be forgotten, and would be no repeat
            for (int key = 0; key < 300; key++) {
                long time = 3_000 + random.nextInt(1_000);
                Long known = latest.get(key);
                assertThat(keys.isDuplicate(key(key), time))
                        .isEqualTo(known != null && Math.abs(time - known) <= 1_000);
            }
        }
    }
}
