package org.tonle.query;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.tonle.contracts.CacheContract;
import org.tonle.spi.Cache;

class MemoryCacheTest extends CacheContract {
    @Override
    protected Cache open() {
        return new MemoryCache(1 << 20);
    }

    @Test
    void keepsNoMoreThanItsBytes() {
        MemoryCache cache = new MemoryCache(64 << 10);
        byte[] value = new byte[1000];
        int found = 0;
        for (int i = 0; i < 1000; i++) {
            cache.put("k" + i, value);
        }
        cache.cleanUp();
        for (int i = 0; i < 1000; i++) {
            found += cache.get("k" + i).isPresent() ? 1 : 0;
        }
        assertThat(found).isBetween(1, 64);
        assertThat(cache.stats().hitCount()).isEqualTo(found);
        assertThat(cache.stats().evictionCount()).isEqualTo(1000 - found);
    }

    @Test
    void ofNoBytesKeepsNothing() {
        MemoryCache cache = new MemoryCache(0);
        assertThat(cache.largest()).isZero();
        cache.put("k", new byte[1]);
        assertThat(cache.get("k")).isEmpty();
    }
}
