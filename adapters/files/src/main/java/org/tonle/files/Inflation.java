package org.tonle.files;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Gives up on something compressed that becomes absurdly large: made to fill a disk. */
final class Inflation extends FilterInputStream {
    /** Text compresses to a fiftieth at best; what repeats itself, to a thousandth. */
    private static final long MOST_TIMES = 1_000;

    /** As much is always right. */
    private static final long FREE = 256L << 20;

    private final long most;
    private long read;

    /**
     * @param compressed how many bytes there are to inflate
     */
    Inflation(InputStream in, long compressed) {
        super(in);
        this.most = Math.max(FREE, compressed * MOST_TIMES);
    }

    @Override
    public int read(byte[] bytes, int from, int length) throws IOException {
        int n = in.read(bytes, from, length);
        count(n);
        return n;
    }

    @Override
    public int read() throws IOException {
        int b = in.read();
        count(b < 0 ? 0 : 1);
        return b;
    }

    private void count(int n) throws IOException {
        read += Math.max(0, n);
        if (read > most) {
            throw new IOException(
                    "it inflates to more than %d times its size, so it is no data"
                            .formatted(MOST_TIMES));
        }
    }

    @Override
    public boolean markSupported() {
        return false;
    }
}
