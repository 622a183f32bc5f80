package org.tonle.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;

/**
 * Keys with their times, sorted, in a file that has no name any more: nothing is left behind
 * however the process ends. It is read, not mapped, so that the memory of the process doesn't grow
 * with it. In memory are a Bloom filter of 12 to 24 bits per key, which answers for nearly all keys
 * that aren't there, and the first key of every {@link #BLOCK}, so that each other answer takes one
 * read.
 */
final class SortedKeys implements AutoCloseable {
    private static final int ENTRY = 3 * Long.BYTES;
    private static final int BITS_PER_KEY = 12;

    /** Keys that are read at once; a power of two. */
    private static final int BLOCK = 128;

    /** Keys that a merge, which reads all, reads at once. */
    private static final int LARGE_BLOCK = 32 * BLOCK;

    private final FileChannel channel;
    private final long size;
    private final long latest;
    private final long[] bloom;

    /** Of each block the first key: its high and its low half. */
    private final long[] firsts;

    private final Block found;

    private SortedKeys(FileChannel channel, long size, long latest, long[] bloom, long[] firsts) {
        this.channel = channel;
        this.size = size;
        this.latest = latest;
        this.bloom = bloom;
        this.firsts = firsts;
        this.found = new Block(channel, size, BLOCK);
    }

    /** Entries that lie behind each other. */
    private static final class Block {
        private final FileChannel channel;
        private final long size;
        private final ByteBuffer bytes;
        private long from;
        private long to;

        Block(FileChannel channel, long size, int entries) {
            this.channel = channel;
            this.size = size;
            this.bytes = ByteBuffer.allocate(entries * ENTRY).order(ByteOrder.LITTLE_ENDIAN);
        }

        /** Has the entries from that one on. */
        void read(long first) {
            from = first;
            to = Math.min(size, first + bytes.capacity() / ENTRY);
            bytes.clear().limit(Math.toIntExact((to - from) * ENTRY));
            try {
                while (bytes.hasRemaining()) {
                    if (channel.read(bytes, from * ENTRY + bytes.position()) < 0) {
                        throw new IOException("a file of keys has become shorter");
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException("can't read keys", e);
            }
        }

        private int at(long index) {
            return Math.toIntExact((index - from) * ENTRY);
        }

        long high(long index) {
            return bytes.getLong(at(index));
        }

        long low(long index) {
            return bytes.getLong(at(index) + Long.BYTES);
        }

        long time(long index) {
            return bytes.getLong(at(index) + 2 * Long.BYTES);
        }

        /** The key's time, or {@link KeyTable#ABSENT} if it isn't among them. */
        long get(long high, long low) {
            long first = from;
            long last = to - 1;
            while (first <= last) {
                long middle = (first + last) >>> 1;
                int order = compare(high(middle), low(middle), high, low);
                if (order == 0) {
                    return time(middle);
                }
                if (order < 0) {
                    first = middle + 1;
                } else {
                    last = middle - 1;
                }
            }
            return KeyTable.ABSENT;
        }
    }

    static SortedKeys of(KeyTable table, Path directory) {
        return write(directory, table.size(), table::forEachSorted);
    }

    /**
     * One run of several.
     *
     * @param runs newest first: of a key in several of them the newest entry stays
     * @param oldest entries of earlier times are left out
     */
    static SortedKeys merge(List<SortedKeys> runs, long oldest, Path directory) {
        long most = runs.stream().mapToLong(run -> run.size).sum();
        return write(directory, most, visitor -> mergeInto(runs, oldest, visitor));
    }

    private static void mergeInto(List<SortedKeys> runs, long oldest, KeyTable.Visitor visitor) {
        Head[] heads = runs.stream().map(Head::new).toArray(Head[]::new);
        while (true) {
            Head least = null;
            for (Head head : heads) {
                if (head.isThere && (least == null || head.compareTo(least) < 0)) {
                    least = head;
                }
            }
            if (least == null) {
                return;
            }
            long high = least.high;
            long low = least.low;
            long time = least.block.time(least.at);
            if (time >= oldest) {
                visitor.visit(high, low, time);
            }
            for (Head head : heads) {
                if (head.isThere && head.high == high && head.low == low) {
                    head.move();
                }
            }
        }
    }

    /** Where a merge stands in one run, with the key there. */
    private static final class Head {
        private final Block block;
        private long at = -1;
        private long high;
        private long low;
        private boolean isThere;

        Head(SortedKeys run) {
            block = new Block(run.channel, run.size, LARGE_BLOCK);
            move();
        }

        void move() {
            at++;
            isThere = at < block.size;
            if (isThere) {
                if (at == block.to) {
                    block.read(at);
                }
                high = block.high(at);
                low = block.low(at);
            }
        }

        int compareTo(Head other) {
            return compare(high, low, other.high, other.low);
        }
    }

    private interface Entries {
        void forEach(KeyTable.Visitor visitor);
    }

    private static SortedKeys write(Path directory, long most, Entries entries) {
        try {
            Path file = Files.createTempFile(directory, "keys", ".run");
            FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
            try {
                Files.delete(file);
                Writer writer = new Writer(channel, most);
                entries.forEach(writer);
                writer.flush();
                return new SortedKeys(
                        channel,
                        writer.written,
                        writer.latest,
                        writer.bloom,
                        Arrays.copyOf(writer.firsts, 2 * blocks(writer.written)));
            } catch (IOException | RuntimeException | Error e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't write keys to " + directory, e);
        }
    }

    private static int blocks(long entries) {
        return Math.toIntExact((entries + BLOCK - 1) / BLOCK);
    }

    private static final class Writer implements KeyTable.Visitor {
        private final FileChannel channel;
        private final ByteBuffer buffer =
                ByteBuffer.allocate(ENTRY * 8192).order(ByteOrder.LITTLE_ENDIAN);
        private final long[] bloom;
        private final long[] firsts;
        private long written;
        private long latest = KeyTable.ABSENT;

        Writer(FileChannel channel, long most) {
            this.channel = channel;
            // a power of two of words, so that a hash is cut to a word by a mask
            long words = Long.highestOneBit(Math.max(64, most * BITS_PER_KEY / 64 * 2 - 1));
            this.bloom = new long[Math.toIntExact(words)];
            this.firsts = new long[2 * blocks(most)];
        }

        @Override
        public void visit(long high, long low, long time) {
            if (!buffer.hasRemaining()) {
                flush();
            }
            if ((written & (BLOCK - 1)) == 0) {
                int block = 2 * Math.toIntExact(written / BLOCK);
                firsts[block] = high;
                firsts[block + 1] = low;
            }
            buffer.putLong(high).putLong(low).putLong(time);
            bloom[word(low, bloom.length)] |= bits(high);
            latest = Math.max(latest, time);
            written++;
        }

        void flush() {
            buffer.flip();
            try {
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            } catch (IOException e) {
                throw new UncheckedIOException("can't write keys", e);
            }
            buffer.clear();
        }
    }

    private static int word(long low, int words) {
        return (int) (low >>> 20) & (words - 1);
    }

    /** Six bits of the key's word. */
    private static long bits(long high) {
        return 1L << (high & 63)
                | 1L << (high >>> 6 & 63)
                | 1L << (high >>> 12 & 63)
                | 1L << (high >>> 18 & 63)
                | 1L << (high >>> 24 & 63)
                | 1L << (high >>> 30 & 63);
    }

    long size() {
        return size;
    }

    /** The greatest time of a key; {@link KeyTable#ABSENT} if there is none. */
    long latest() {
        return latest;
    }

    /** The key's time, or {@link KeyTable#ABSENT}. */
    long get(long high, long low) {
        long bits = bits(high);
        if ((bloom[word(low, bloom.length)] & bits) != bits) {
            return KeyTable.ABSENT;
        }
        int from = 0;
        int to = firsts.length / 2 - 1;
        while (from <= to) {
            int middle = (from + to) >>> 1;
            if (compare(firsts[2 * middle], firsts[2 * middle + 1], high, low) <= 0) {
                from = middle + 1;
            } else {
                to = middle - 1;
            }
        }
        if (to < 0) {
            return KeyTable.ABSENT;
        }
        found.read((long) to * BLOCK);
        return found.get(high, low);
    }

    private static int compare(long high, long low, long otherHigh, long otherLow) {
        int byHigh = Long.compareUnsigned(high, otherHigh);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low, otherLow);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException("can't close keys", e);
        }
    }
}
