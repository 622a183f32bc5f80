package org.tonle.query;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.stats.CacheStats;
import java.util.Optional;
import org.tonle.spi.Cache;

/** Answers in this process's memory, up to a number of bytes; those asked for seldom go first. */
public final class MemoryCache implements Cache {
    /** What a key and the bookkeeping take beside a value. */
    private static final int OVERHEAD = 256;

    /** One value is at most this part of all. */
    private static final int SHARE = 16;

    private static final int LARGEST = 16 << 20;

    private final com.github.benmanes.caffeine.cache.Cache<String, byte[]> values;
    private final int largest;

    /**
     * @param bytes that keys and values may take together; 0: nothing is kept
     */
    public MemoryCache(long bytes) {
        values =
                Caffeine.newBuilder()
                        .maximumWeight(bytes)
                        .weigher((String key, byte[] value) -> value.length + OVERHEAD)
                        .recordStats()
                        .build();
        largest = (int) Math.min(bytes / SHARE, LARGEST);
    }

    @Override
    public Optional<byte[]> get(String key) {
        return Optional.ofNullable(values.getIfPresent(key));
    }

    @Override
    public void put(String key, byte[] value) {
        if (value.length <= largest) {
            values.put(key, value);
        }
    }

    @Override
    public int largest() {
        return largest;
    }

    /** Does at once what is done in the background otherwise. */
    void cleanUp() {
        values.cleanUp();
    }

    /** Hits, misses and evictions since it was made. */
    public CacheStats stats() {
        return values.stats();
    }
}
