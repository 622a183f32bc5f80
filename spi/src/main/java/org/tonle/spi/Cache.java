package org.tonle.spi;

import java.util.Optional;

/**
 * Keeps answers that never change: a key names everything that its value depends on, so what is
 * found under it is right for ever. What was put may be gone at any time, and a cache that can't be
 * reached is one that holds nothing: no method throws for that. Thread-safe.
 */
public interface Cache {
    /**
     * What was put under a key, whole and as it was.
     *
     * @return not to be written to: others may hold it, too
     */
    Optional<byte[]> get(String key);

    /**
     * Keeps a value, perhaps; it isn't written to afterwards. Two values of one key are equally
     * right, whichever stays.
     *
     * @param key of at most 128 ASCII letters and digits
     */
    void put(String key, byte[] value);

    /** The largest value that is kept, in bytes; 0: none is ever. */
    int largest();
}
