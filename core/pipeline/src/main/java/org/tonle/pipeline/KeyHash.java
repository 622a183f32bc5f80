package org.tonle.pipeline;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.SecureRandom;

/**
 * SipHash-2-4 with 128 bits (Aumasson, Bernstein: "SipHash: a fast short-input PRF", and the
 * authors' reference code for the longer result), both halves from one pass. Used by one thread.
 */
final class KeyHash {
    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final long k0;
    private final long k1;
    private long v0;
    private long v1;
    private long v2;
    private long v3;
    private long high;
    private long low;

    KeyHash(long k0, long k1) {
        this.k0 = k0;
        this.k1 = k1;
    }

    /** With a secret that nobody else knows. */
    static KeyHash secret() {
        SecureRandom random = new SecureRandom();
        return new KeyHash(random.nextLong(), random.nextLong());
    }

    /** Hashes {@code key}; {@link #high} and {@link #low} then have the result. */
    void of(byte[] key) {
        v0 = k0 ^ 0x736f6d6570736575L;
        v1 = k1 ^ 0x646f72616e646f6dL ^ 0xee;
        v2 = k0 ^ 0x6c7967656e657261L;
        v3 = k1 ^ 0x7465646279746573L;
        int words = key.length & -Long.BYTES;
        for (int i = 0; i < words; i += Long.BYTES) {
            word((long) LONGS.get(key, i));
        }
        long last = (long) key.length << 56;
        for (int i = words; i < key.length; i++) {
            last |= (key[i] & 0xffL) << (8 * (i - words));
        }
        word(last);
        v2 ^= 0xee;
        rounds(4);
        low = v0 ^ v1 ^ v2 ^ v3;
        v1 ^= 0xdd;
        rounds(4);
        high = v0 ^ v1 ^ v2 ^ v3;
    }

    private void word(long m) {
        v3 ^= m;
        rounds(2);
        v0 ^= m;
    }

    private void rounds(int times) {
        long a = v0;
        long b = v1;
        long c = v2;
        long d = v3;
        for (int i = 0; i < times; i++) {
            a += b;
            c += d;
            b = Long.rotateLeft(b, 13) ^ a;
            d = Long.rotateLeft(d, 16) ^ c;
            a = Long.rotateLeft(a, 32);
            c += b;
            a += d;
            b = Long.rotateLeft(b, 17) ^ c;
            d = Long.rotateLeft(d, 21) ^ a;
            c = Long.rotateLeft(c, 32);
        }
        v0 = a;
        v1 = b;
        v2 = c;
        v3 = d;
    }

    /** The second 8 bytes of the result, in little-endian. */
    long high() {
        return high;
    }

    /** The first 8 bytes of the result, in little-endian. */
    long low() {
        return low;
    }
}
