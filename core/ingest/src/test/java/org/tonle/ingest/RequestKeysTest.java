package org.tonle.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RequestKeysTest {
    private static final Instant NOON = Instant.parse("2026-11-22T12:00:00Z");
    private static final long NOW = RequestKeys.micros(NOON);
    private static final long SECOND = 1_000_000;
    private static final long HOUR = Duration.ofHours(1).toNanos() / 1_000;

    @Test
    void aTableKeepsWhatAMapKeeps() {
        Random random = new Random(3);
        KeyTable table = new KeyTable();
        Map<RequestKey, KeyTable.Entry> map = new HashMap<>();
        for (int i = 0; i < 50_000; i++) {
            RequestKey key = RequestKey.of("k" + random.nextInt(20_000));
            KeyTable.Entry entry =
                    entry(random.nextLong(1L << 48), random.nextInt(1 << 10), i, NOW);
            table.put(key, entry, Long.MIN_VALUE);
            map.put(key, entry);
        }
        assertThat(table.size()).isEqualTo(map.size());
        map.forEach((key, entry) -> assertThat(table.find(key)).hasValue(entry));
        assertThat(table.find(RequestKey.of("never"))).isEmpty();
    }

    @Test
    void aTableForgetsWhatIsOldWhenItNeedsRoomAndKeepsTheRest() {
        KeyTable table = new KeyTable();
        for (int i = 0; i < 10_000; i++) {
            table.put(
                    RequestKey.of("k" + i),
                    entry(i, 0, i, NOW + i * SECOND),
                    NOW + (i - 100) * SECOND);
        }
        // no more than a rebuild ago
        assertThat(table.size()).isLessThan(500);
        for (int i = 9_900; i < 10_000; i++) {
            assertThat(table.find(RequestKey.of("k" + i))).isPresent();
        }
    }

    @Test
    void theFirstInTheLogAnswersUntilItIsInBronze() {
        RequestKeys keys = new RequestKeys(Clock.fixed(NOON, ZoneOffset.UTC));
        RequestKey key = RequestKey.of("k");
        keys.appended(key, entry(1, 0, 7, NOW));
        keys.appended(key, entry(1, 0, 5, NOW));
        keys.appended(key, entry(1, 0, 9, NOW));
        assertThat(keys.find(key, NOW).map(KeyTable.Entry::position)).hasValue(5L);
        assertThat(keys.findInBronze(key, NOW)).isEmpty();

        keys.committed(Map.of(key, entry(1, 0, 5, NOW)), Map.of(0, 6L));
        assertThat(keys.findInBronze(key, NOW).map(KeyTable.Entry::position)).hasValue(5L);
        assertThat(keys.size()).isEqualTo(1);
    }

    @Test
    void aKeyCountsForADay() {
        RequestKeys keys = new RequestKeys(Clock.fixed(NOON, ZoneOffset.UTC));
        RequestKey key = RequestKey.of("k");
        keys.committed(Map.of(key, entry(1, 0, 5, NOW)), Map.of());
        assertThat(keys.find(key, NOW + 24 * HOUR)).isPresent();
        assertThat(keys.find(key, NOW + 24 * HOUR + SECOND)).isEmpty();
    }

    @Test
    void filesInAnyOrderGiveTheSameKeys() {
        RequestKey key = RequestKey.of("k");
        for (boolean laterFirst : new boolean[] {true, false}) {
            RequestKeys keys = new RequestKeys(Clock.fixed(NOON, ZoneOffset.UTC));
            keys.committed(Map.of(key, entry(1, 0, laterFirst ? 9 : 5, NOW)), Map.of());
            keys.committed(Map.of(key, entry(1, 0, laterFirst ? 5 : 9, NOW)), Map.of());
            assertThat(keys.find(key, NOW).map(KeyTable.Entry::position)).hasValue(9L);
        }
    }

    @Test
    void aKeyGoesToOnePartition() {
        int[] counts = new int[5];
        for (int i = 0; i < 10_000; i++) {
            RequestKey key = RequestKey.of("k" + i);
            assertThat(key.partition(5)).isEqualTo(RequestKey.of("k" + i).partition(5));
            counts[key.partition(5)]++;
        }
        for (int count : counts) {
            assertThat(count).isGreaterThan(1_800);
        }
    }

    @Test
    void idsAreUuidsOfVersionFiveOverThePlace() {
        EventIds ids = new EventIds();
        ids.byKey("flights", "k-1");
        assertThat(new String(ids.id(0), StandardCharsets.US_ASCII))
                .isEqualTo("8de5b8a6-5f88-58a9-aa83-704ef85ddf82");
        ids.byPlace("AAAA", 2, 99);
        assertThat(new String(ids.id(12), StandardCharsets.US_ASCII))
                .isEqualTo("7505caf6-30a2-5b84-adc7-79845db617ff");
    }

    @Test
    void aRecordComesBackFromKafkaAsItWent() {
        BodyRecord record =
                BodyRecord.ofRequest(
                        "application/json",
                        Optional.of("k"),
                        Optional.of(RequestKey.bodyHash(new byte[] {1})),
                        3,
                        NOW,
                        Map.of("user-agent", "é"),
                        new byte[] {1});
        assertThat(BodyRecord.of(record.toKafka(), record.body())).hasValue(record);
        assertThat(
                        BodyRecord.of(
                                BodyRecord.ofRequest(
                                                "",
                                                Optional.empty(),
                                                Optional.empty(),
                                                1,
                                                NOW,
                                                Map.of(),
                                                new byte[0])
                                        .toKafka()
                                        .remove("tonle-events"),
                                new byte[0]))
                .isEmpty();
    }

    private static KeyTable.Entry entry(long hash, int partition, long position, long time) {
        return new KeyTable.Entry(hash, partition, position, 1, time);
    }
}
