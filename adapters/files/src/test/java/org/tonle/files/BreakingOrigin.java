package org.tonle.files;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Another origin whose streams break after so many bytes. */
record BreakingOrigin(FileOrigin origin, List<Long> offsets, int bytes) implements FileOrigin {
    @Override
    public void require() {
        origin.require();
    }

    @Override
    public Page list(Optional<String> from) throws IOException {
        return origin.list(from);
    }

    @Override
    public Optional<Path> local(Found file) {
        return Optional.empty();
    }

    @Override
    public InputStream open(Found file, long offset) throws IOException {
        offsets.add(offset);
        return new FilterInputStream(origin.open(file, offset)) {
            private int left = bytes;

            @Override
            public int read(byte[] into, int from, int length) throws IOException {
                if (left == 0) {
                    throw new IOException("connection reset");
                }
                int n = in.read(into, from, Math.min(left, length));
                left -= Math.max(0, n);
                return n;
            }
        };
    }

    @Override
    public boolean isStill(Found file) throws IOException {
        return origin.isStill(file);
    }

    @Override
    public void close() throws IOException {
        origin.close();
    }
}
