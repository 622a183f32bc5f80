package org.tonle.query;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Holds an answer back up to a length; what is longer goes on to where it is wanted. */
final class AnswerBuffer extends OutputStream {
    private final int most;
    private final Supplier<OutputStream> overflow;
    private final ByteArrayOutputStream held = new ByteArrayOutputStream();
    private @Nullable OutputStream open;

    /**
     * @param overflow asked for once, when there is more than {@code most}
     */
    AnswerBuffer(int most, Supplier<OutputStream> overflow) {
        this.most = most;
        this.overflow = overflow;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
        if (open == null && held.size() + (long) length > most) {
            open = overflow.get();
            held.writeTo(open);
            held.reset();
        }
        if (open == null) {
            held.write(bytes, from, length);
        } else {
            open.write(bytes, from, length);
        }
    }

    @Override
    public void flush() throws IOException {
        if (open != null) {
            open.flush();
        }
    }

    /** Whether all of it is held. */
    boolean isWhole() {
        return open == null;
    }

    byte[] bytes() {
        return held.toByteArray();
    }
}
