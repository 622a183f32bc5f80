package org.tonle.s3;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import software.amazon.awssdk.core.sync.ResponseTransformer;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/**
 * Gives on a body that is an error if it ends before it is as long as the server said: a connection
 * that was cut reads like an end.
 */
record WholeBody<T>(ResponseTransformer<GetObjectResponse, T> transformer)
        implements ResponseTransformer<GetObjectResponse, T> {
    @Override
    public T transform(GetObjectResponse response, AbortableInputStream in) throws Exception {
        Long length = response.contentLength();
        return transformer.transform(
                response,
                length == null ? in : AbortableInputStream.create(new Counted(in, length), in));
    }

    @Override
    public String name() {
        return transformer.name();
    }

    @Override
    public boolean needsConnectionLeftOpen() {
        return transformer.needsConnectionLeftOpen();
    }

    private static final class Counted extends FilterInputStream {
        private final long length;
        private long left;

        Counted(InputStream in, long length) {
            super(in);
            this.length = length;
            this.left = length;
        }

        @Override
        public int read() throws IOException {
            int read = super.read();
            count(read < 0 ? -1 : 1);
            return read;
        }

        @Override
        public int read(byte[] bytes, int offset, int most) throws IOException {
            int read = super.read(bytes, offset, most);
            count(read);
            return read;
        }

        @Override
        public long skip(long most) throws IOException {
            long skipped = super.skip(most);
            left -= skipped;
            return skipped;
        }

        private void count(int read) throws IOException {
            if (read >= 0) {
                left -= read;
            } else if (left > 0) {
                throw new IOException(
                        "the body ended %d bytes before all %d of it came".formatted(left, length));
            }
        }

        @Override
        public boolean markSupported() {
            return false;
        }
    }
}
