package org.tonle.query;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.CRC32C;

/**
 * A file of notes, which is written in full when it is made, and then again and again, so that
 * notes need no room on the disk. Each has a checksum over the number of the use, too: what an
 * earlier use has left behind the last note of this one doesn't count. All methods but {@link
 * Note#force} are called under the lock of {@link BegunStatements}.
 */
final class NoteFile {
    /** What is left free before a note, for its length and its checksum. */
    static final int HEAD = 2 * Integer.BYTES;

    private static final int BYTES = 4 << 20;

    /** At the beginning of the file: which use of it this is. */
    private static final int USE = Long.BYTES;

    private final Path path;
    private final RandomAccessFile file;
    private final ReentrantLock forcing = new ReentrantLock();
    private long use;
    private int live;
    private volatile boolean broken;
    private volatile int written;
    private volatile int forced;
    private boolean named;

    NoteFile(Path path) throws IOException {
        this.path = path;
        this.file = new RandomAccessFile(path.toFile(), "rw");
        try {
            byte[] zeros = new byte[64 << 10];
            for (int i = 0; i < BYTES; i += zeros.length) {
                file.write(zeros);
            }
        } catch (IOException e) {
            remove();
            throw e;
        }
    }

    /** One note of it. */
    final class Note {
        private final int end;

        private Note(int end) {
            this.end = end;
        }

        NoteFile file() {
            return NoteFile.this;
        }

        /** Waits until it is on the disk; those that wait share the effort. */
        void force() throws IOException {
            NoteFile.this.force(end);
        }
    }

    /**
     * Starts another use.
     *
     * @param number of none before
     */
    void begin(long number) throws IOException {
        // one that nobody waits for may still force what was there
        forcing.lock();
        try {
            broken = true;
            use = number;
            file.seek(0);
            file.write(ByteBuffer.allocate(USE).putLong(use).array());
            written = USE;
            forced = 0;
            broken = false;
        } finally {
            forcing.unlock();
        }
    }

    /** Whether it can be written to, and there is room. */
    boolean takes(int bytes) {
        return !broken && written + bytes <= BYTES;
    }

    boolean isBroken() {
        return broken;
    }

    /** How many notes aren't forgotten. */
    int live() {
        return live;
    }

    void forget() {
        live--;
    }

    /**
     * Writes a note behind the others, in one call of the system.
     *
     * @param bytes with {@link #HEAD} free bytes before them
     */
    Note append(byte[] bytes) throws IOException {
        int length = bytes.length - HEAD;
        ByteBuffer.wrap(bytes).putInt(length).putInt(checksum(use, bytes, HEAD, length));
        try {
            file.write(bytes);
        } catch (IOException e) {
            // who knows where the next one would stand
            broken = true;
            throw e;
        }
        live++;
        int end = written + bytes.length;
        written = end;
        return new Note(end);
    }

    private void force(int end) throws IOException {
        if (forced >= end) {
            return;
        }
        forcing.lock();
        try {
            if (forced >= end) {
                return;
            }
            int all = written;
            file.getChannel().force(false);
            if (!named) {
                try (FileChannel folder = FileChannel.open(path.resolveSibling("."))) {
                    folder.force(true);
                }
                named = true;
            }
            forced = all;
        } catch (IOException e) {
            // the next force might succeed without having written what this one has not
            broken = true;
            throw e;
        } finally {
            forcing.unlock();
        }
    }

    void close() {
        try {
            file.close();
        } catch (IOException e) {
            broken = true;
        }
    }

    void remove() {
        close();
        boolean unused = path.toFile().delete();
    }

    /** The notes of a file, up to the first that isn't whole or is of an earlier use. */
    static List<byte[]> read(Path path) throws IOException {
        byte[] file = Files.readAllBytes(path);
        List<byte[]> notes = new ArrayList<>();
        ByteBuffer left = ByteBuffer.wrap(file);
        long use = left.remaining() < USE ? 0 : left.getLong();
        while (left.remaining() > HEAD) {
            int length = left.getInt();
            int checksum = left.getInt();
            int from = left.position();
            if (length <= 0
                    || length > left.remaining()
                    || checksum != checksum(use, file, from, length)) {
                return notes;
            }
            notes.add(Arrays.copyOfRange(file, from, from + length));
            left.position(from + length);
        }
        return notes;
    }

    private static int checksum(long use, byte[] bytes, int from, int length) {
        CRC32C checksum = new CRC32C();
        checksum.update(ByteBuffer.allocate(USE).putLong(use).flip());
        checksum.update(bytes, from, length);
        return (int) checksum.getValue();
    }
}
