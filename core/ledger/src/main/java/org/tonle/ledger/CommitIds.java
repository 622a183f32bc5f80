package org.tonle.ledger;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.UUID;

/**
 * Ids of commits by which their ledger knows its own, though it never heard of them: a file that is
 * named after one was written for this lake. Version 8 of UUID, the last 32 bits a digest of the
 * rest and of the ledger's id.
 */
public final class CommitIds {
    private static final long VERSION = 0xf000L;
    private static final long VERSION_8 = 0x8000L;
    private static final long DIGEST = 0xffff_ffffL;

    private CommitIds() {}

    /** A new one. */
    public static UUID create(UUID ledger) {
        UUID random = UUID.randomUUID();
        return signed(
                ledger,
                (random.getMostSignificantBits() & ~VERSION) | VERSION_8,
                random.getLeastSignificantBits());
    }

    /** Whether it was {@linkplain #create created} for a ledger. */
    public static boolean isOf(UUID ledger, UUID id) {
        return id.version() == 8
                && id.equals(
                        signed(ledger, id.getMostSignificantBits(), id.getLeastSignificantBits()));
    }

    private static UUID signed(UUID ledger, long most, long least) {
        long head = least & ~DIGEST;
        ByteBuffer bytes =
                ByteBuffer.allocate(4 * Long.BYTES)
                        .putLong(ledger.getMostSignificantBits())
                        .putLong(ledger.getLeastSignificantBits())
                        .putLong(most)
                        .putLong(head);
        return new UUID(most, head | (digest(bytes.array()) & DIGEST));
    }

    private static int digest(byte[] bytes) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            sha.update("tonle commit".getBytes(StandardCharsets.US_ASCII));
            return ByteBuffer.wrap(sha.digest(bytes)).getInt();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
