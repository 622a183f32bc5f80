package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class KeyTableTest {
    private record Key(long high, long low) {
        static final Comparator<Key> ORDER =
                Comparator.comparing(Key::high, Long::compareUnsigned)
                        .thenComparing(Key::low, Long::compareUnsigned);
    }

    @Test
    void givesItsEntriesInTheOrderOfTheirKeysWhateverTheirNumber() {
        Random random = new Random(3);
        KeyTable table = new KeyTable();
        for (int size : List.of(0, 1, 2, 3, 17, 1_000, 1_024, 5_000, 40)) {
            TreeMap<Key, Long> model = new TreeMap<>(Key.ORDER);
            while (model.size() < size) {
                // some agree in one half
                long high = random.nextInt(10) == 0 ? -1 : random.nextLong();
                long low = random.nextInt(10) == 0 ? 7 : random.nextLong();
                model.put(new Key(high, low), (long) model.size());
                table.put(high, low, model.get(new Key(high, low)));
            }
            List<Key> keys = new ArrayList<>();
            List<Long> times = new ArrayList<>();
            table.forEachSorted((high, low, time) -> {
                keys.add(new Key(high, low));
                times.add(time);
            });
            assertThat(keys).isEqualTo(List.copyOf(model.keySet()));
            assertThat(times).isEqualTo(List.copyOf(model.values()));
            table.clear();
            assertThat(table.size()).isZero();
            assertThat(table.get(-1, 7)).isEqualTo(KeyTable.ABSENT);
        }
    }
}
