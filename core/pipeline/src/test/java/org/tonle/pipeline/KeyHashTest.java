package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class KeyHashTest {
    /** With the key 00 01 … 0f of the authors' test vectors. */
    private final KeyHash hash = new KeyHash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);

    @Test
    void givesWhatTheAuthorsAndOpenSslGiveForTextsOfEveryRemainder() {
        // openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt size:16 SIPHASH
        assertThat(of(0)).isEqualTo("a3817f04ba25a8e66df67214c7550293");
        assertThat(of(1)).isEqualTo("da87c1d86b99af44347659119b22fc45");
        assertThat(of(7)).isEqualTo("a1f1ebbed8dbc153c0b84aa61ff08239");
        assertThat(of(8)).isEqualTo("3b62a9ba6258f5610f83e264f31497b4");
        assertThat(of(15)).isEqualTo("5493e99933b0a8117e08ec0f97cfc3d9");
        assertThat(of(16)).isEqualTo("6ee2a4ca67b054bbfd3315bf85230577");
        assertThat(of(33)).isEqualTo("77c6077146f01c32b6b69d5f4ea9ffcf");
    }

    /** The hash, byte after byte, of the bytes 0, 1, 2 …. */
    private String of(int length) {
        byte[] bytes = new byte[length];
        IntStream.range(0, length).forEach(i -> bytes[i] = (byte) i);
        hash.of(bytes);
        return HexFormat.of()
                .formatHex(
                        ByteBuffer.allocate(2 * Long.BYTES)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .putLong(hash.low())
                                .putLong(hash.high())
                                .array());
    }
}
