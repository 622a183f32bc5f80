package org.tonle.ingest;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.UUID;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Ids of events whose client gave none: UUIDs of version 5 (RFC 9562) over what stays the same when
 * the event is read again. Each event is named by where its request stands, and its index in it.
 */
final class EventIds {
    /** Of names {@code source/key/index}; part of the format. */
    static final UUID BY_KEY = UUID.fromString("5b8f0c7e-6f0e-5d5c-9a39-6c1d3f6a2d10");

    /** Of names {@code topic id/partition/position/index}; part of the format. */
    static final UUID BY_PLACE = UUID.fromString("5b8f0c7e-6f0e-5d5c-9a39-6c1d3f6a2d11");

    private static final char[] HEX = "0123456789abcdef".toCharArray();

    private final MessageDigest sha1;
    private final byte[] text = new byte[36];
    private byte[] prefix = new byte[0];

    EventIds() {
        try {
            this.sha1 = MessageDigest.getInstance("SHA-1");
        } catch (NoSuchAlgorithmException e) {
            throw new LakeException(ErrorCode.INTERNAL, "This JDK lacks SHA-1.", e);
        }
    }

    /** The ids that follow are of events of the request with this key. */
    void byKey(String source, String key) {
        begin(BY_KEY, source + "/" + key + "/");
    }

    /** The ids that follow are of events of the record at this place. */
    void byPlace(String topicId, int partition, long position) {
        begin(BY_PLACE, topicId + "/" + partition + "/" + position + "/");
    }

    private void begin(UUID namespace, String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        prefix =
                ByteBuffer.allocate(16 + bytes.length)
                        .putLong(namespace.getMostSignificantBits())
                        .putLong(namespace.getLeastSignificantBits())
                        .put(bytes)
                        .array();
    }

    /** The id's text in an array that the next call fills anew. */
    byte[] id(int index) {
        sha1.update(prefix);
        sha1.update(Integer.toString(index).getBytes(StandardCharsets.US_ASCII));
        byte[] hash = sha1.digest();
        hash[6] = (byte) ((hash[6] & 0x0f) | 0x50);
        hash[8] = (byte) ((hash[8] & 0x3f) | 0x80);
        int at = 0;
        for (int i = 0; i < 16; i++) {
            if (i == 4 || i == 6 || i == 8 || i == 10) {
                text[at++] = '-';
            }
            text[at++] = (byte) HEX[(hash[i] >> 4) & 0xf];
            text[at++] = (byte) HEX[hash[i] & 0xf];
        }
        return text;
    }
}
