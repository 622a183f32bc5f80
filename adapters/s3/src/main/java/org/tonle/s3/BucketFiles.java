package org.tonle.s3;

import java.io.IOException;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.SeekableInputStream;
import org.apache.iceberg.io.SupportsPrefixOperations;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * A bucket's files. A body that breaks off is gone on with behind what came, a few times; then
 * whoever reads it gets LakeException STORAGE instead of what his format would make of it.
 */
final class BucketFiles implements SupportsPrefixOperations {
    private static final long serialVersionUID = 1L;
    private static final int ATTEMPTS = 3;

    // nobody serialises what is asked through a client
    private final transient SupportsPrefixOperations files;

    BucketFiles(SupportsPrefixOperations files) {
        this.files = files;
    }

    @Override
    public InputFile newInputFile(String location) {
        return new Input(files.newInputFile(location));
    }

    @Override
    public InputFile newInputFile(String location, long length) {
        return new Input(files.newInputFile(location, length));
    }

    @Override
    public OutputFile newOutputFile(String location) {
        return files.newOutputFile(location);
    }

    @Override
    public void deleteFile(String location) {
        files.deleteFile(location);
    }

    @Override
    public Iterable<FileInfo> listPrefix(String prefix) {
        return files.listPrefix(prefix);
    }

    /** Nobody deletes a table's files by their folder. */
    @Override
    public void deletePrefix(String prefix) {
        throw new UnsupportedOperationException("files are deleted one by one");
    }

    @Override
    public void close() {
        files.close();
    }

    private record Input(InputFile file) implements InputFile {
        @Override
        public long getLength() {
            return file.getLength();
        }

        @Override
        public SeekableInputStream newStream() {
            return new Body(file);
        }

        @Override
        public String location() {
            return file.location();
        }

        @Override
        public boolean exists() {
            return file.exists();
        }
    }

    private static final class Body extends SeekableInputStream {
        private final InputFile file;
        private @Nullable SeekableInputStream stream;
        private long position;

        Body(InputFile file) {
            this.file = file;
        }

        @Override
        public long getPos() {
            return position;
        }

        @Override
        public void seek(long to) {
            position = to;
        }

        @Override
        public int read() {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) {
            for (int attempt = 1; ; attempt++) {
                try {
                    int n = there().read(bytes, offset, length);
                    position += Math.max(0, n);
                    return n;
                } catch (IOException e) {
                    drop(e);
                    if (attempt == ATTEMPTS || Thread.currentThread().isInterrupted()) {
                        throw cantRead(e);
                    }
                }
            }
        }

        private void drop(IOException why) {
            try {
                close();
            } catch (IOException e) {
                why.addSuppressed(e);
            }
        }

        private SeekableInputStream there() throws IOException {
            SeekableInputStream open = stream;
            if (open == null) {
                open = file.newStream();
                stream = open;
            }
            if (open.getPos() != position) {
                open.seek(position);
            }
            return open;
        }

        private LakeException cantRead(IOException e) {
            return new LakeException(
                    ErrorCode.STORAGE,
                    "%s can't be read now: %s. See whether its server can be reached; what needs it is tried again."
                            .formatted(file.location(), e.getMessage()),
                    e);
        }

        @Override
        public void close() throws IOException {
            SeekableInputStream open = stream;
            stream = null;
            if (open != null) {
                open.close();
            }
        }
    }
}
