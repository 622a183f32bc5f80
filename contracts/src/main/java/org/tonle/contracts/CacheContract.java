package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.tonle.spi.Cache;

/** What every cache does. */
public abstract class CacheContract {
    /** An empty cache that takes values of 4 KB at least. */
    protected abstract Cache open();

    private static byte[] value(int length, int of) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) of);
        return bytes;
    }

    @Test
    void givesWhatWasPutOrNothing() {
        Cache cache = open();
        assertThat(cache.get("a")).isEmpty();
        cache.put("a", value(4096, 1));
        cache.put("b", new byte[0]);
        assertThat(cache.get("a")).hasValue(value(4096, 1));
        assertThat(cache.get("b")).hasValue(new byte[0]);
        assertThat(cache.get("c")).isEmpty();
    }

    @Test
    void takesNothingThatIsLongerThanItSays() {
        Cache cache = open();
        assertThat(cache.largest()).isGreaterThanOrEqualTo(4096);
        cache.put("long", value(cache.largest() + 1, 1));
        assertThat(cache.get("long")).isEmpty();
    }

    @Test
    void givesWholeValuesToManyWhileOthersPut() {
        Cache cache = open();
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int thread = 0; thread < 8; thread++) {
            int of = thread;
            all.add(
                    CompletableFuture.runAsync(() -> {
                        for (int i = 0; i < 2000; i++) {
                            int key = (i + of) % 50;
                            cache.put("k" + key, value(1000 + key, key));
                            cache.get("k" + (key + 1) % 50)
                                    .ifPresent(found ->
                                            assertThat(found)
                                                    .isEqualTo(
                                                            value(
                                                                    1000 + (key + 1) % 50,
                                                                    (key + 1) % 50)));
                        }
                    }));
        }
        all.forEach(CompletableFuture::join);
    }
}
