package org.tonle.ingest;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** 128 bits of the SHA-256 of an Idempotency-Key: enough to never meet another one's. */
record RequestKey(long high, long low) {
    static final long SHORT_HASH_MASK = 0xffff_ffff_ffffL;

    static RequestKey of(String key) {
        ByteBuffer hash = ByteBuffer.wrap(sha256(key.getBytes(StandardCharsets.UTF_8)));
        return new RequestKey(hash.getLong(), hash.getLong());
    }

    /** The partition that all repeats of the request go to. */
    int partition(int partitions) {
        return (int) Long.remainderUnsigned(high, partitions);
    }

    /** The first 16 bytes of the body's SHA-256 in hexadecimal, as it stands in bronze. */
    static String bodyHash(byte[] body) {
        return HexFormat.of().formatHex(sha256(body), 0, 16);
    }

    /** The first 6 of those bytes, as it stands in memory. */
    static long shortHash(String bodyHash) {
        return Long.parseUnsignedLong(bodyHash, 0, 12, 16);
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new LakeException(ErrorCode.INTERNAL, "This JDK lacks SHA-256.", e);
        }
    }
}
