package org.tonle.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Keys with their times, sorted, in a file that is mapped and has no name any more: the page cache
 * holds what is in use, and nothing is left behind however the process ends. A Bloom filter of 12
 * bits per key, in memory, answers for nearly all keys that aren't there.
 */
final class SortedKeys implements AutoCloseable {
    private static final int ENTRY = 3 * Long.BYTES;
    private static final int BITS_PER_KEY = 12;
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Arena arena;
    private final MemorySegment entries;
    private final long size;
    private final long[] bloom;

    private SortedKeys(Arena arena, MemorySegment entries, long size, long[] bloom) {
        this.arena = arena;
        this.entries = entries;
        this.size = size;
        this.bloom = bloom;
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
            long time = least.run.time(least.at);
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
        private final SortedKeys run;
        private long at = -1;
        private long high;
        private long low;
        private boolean isThere;

        Head(SortedKeys run) {
            this.run = run;
            move();
        }

        void move() {
            at++;
            isThere = at < run.size;
            if (isThere) {
                high = run.high(at);
                low = run.low(at);
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
            try (FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                Files.delete(file);
                Writer writer = new Writer(channel, most);
                entries.forEach(writer);
                writer.flush();
                Arena arena = Arena.ofShared();
                MemorySegment mapped =
                        channel.map(
                                FileChannel.MapMode.READ_ONLY, 0, writer.written * ENTRY, arena);
                return new SortedKeys(arena, mapped, writer.written, writer.bloom);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't write keys to " + directory, e);
        }
    }

    private static final class Writer implements KeyTable.Visitor {
        private final FileChannel channel;
        private final ByteBuffer buffer =
                ByteBuffer.allocate(ENTRY * 8192).order(ByteOrder.LITTLE_ENDIAN);
        private final long[] bloom;
        private long written;

        Writer(FileChannel channel, long most) {
            this.channel = channel;
            // a power of two of words, so that a hash is cut to a word by a mask
            long words = Long.highestOneBit(Math.max(64, most * BITS_PER_KEY / 64 * 2 - 1));
            this.bloom = new long[Math.toIntExact(words)];
        }

        @Override
        public void visit(long high, long low, long time) {
            if (!buffer.hasRemaining()) {
                flush();
            }
            buffer.putLong(high).putLong(low).putLong(time);
            bloom[word(low, bloom.length)] |= bits(high);
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

    /** The key's time, or {@link KeyTable#ABSENT}. */
    long get(long high, long low) {
        long bits = bits(high);
        if ((bloom[word(low, bloom.length)] & bits) != bits) {
            return KeyTable.ABSENT;
        }
        long from = 0;
        long to = size - 1;
        while (from <= to) {
            long middle = (from + to) >>> 1;
            int order = compare(high(middle), low(middle), high, low);
            if (order == 0) {
                return time(middle);
            }
            if (order < 0) {
                from = middle + 1;
            } else {
                to = middle - 1;
            }
        }
        return KeyTable.ABSENT;
    }

    private static int compare(long high, long low, long otherHigh, long otherLow) {
        int byHigh = Long.compareUnsigned(high, otherHigh);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low, otherLow);
    }

    private long high(long index) {
        return entries.get(LONG, index * ENTRY);
    }

    private long low(long index) {
        return entries.get(LONG, index * ENTRY + Long.BYTES);
    }

    private long time(long index) {
        return entries.get(LONG, index * ENTRY + 2 * Long.BYTES);
    }

    @Override
    public void close() {
        arena.close();
    }
}
