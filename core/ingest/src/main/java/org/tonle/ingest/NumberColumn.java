package org.tonle.ingest;

import java.io.IOException;
import java.util.Arrays;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.hadoop.ParquetFileWriter;

/** A column of INT32 or INT64, plain; zstd makes little of what repeats. */
final class NumberColumn {
    private static final int PAGE_BYTES = 1 << 20;

    private final ColumnPages pages;
    private final int width;
    private final PageBuffer page = new PageBuffer();
    private final PageBuffer values = new PageBuffer();
    private final PageBuffer levels = new PageBuffer();
    private final RunEncoder present = new RunEncoder(levels, 1);
    private int rows;
    private int nulls;
    private long min = Long.MAX_VALUE;
    private long max = Long.MIN_VALUE;

    /**
     * @param width of a value in bytes, 4 or 8
     */
    NumberColumn(ColumnPages pages, int width) {
        this.pages = pages;
        this.width = width;
    }

    void add(long value) {
        if (pages.isOptional()) {
            present.add(1, 1);
        }
        if (width == Integer.BYTES) {
            values.writeInt((int) value);
        } else {
            values.writeLong(value);
        }
        min = Math.min(min, value);
        max = Math.max(max, value);
        endRow();
    }

    void addNull() {
        present.add(0, 1);
        nulls++;
        endRow();
    }

    private void endRow() {
        rows++;
        if (values.size() >= PAGE_BYTES || rows >= PAGE_BYTES) {
            endPage();
        }
    }

    private void endPage() {
        if (rows == 0) {
            return;
        }
        if (pages.isOptional()) {
            present.flush();
            page.writeInt(levels.size());
            page.write(levels.bytes(), 0, levels.size());
        }
        page.write(values.bytes(), 0, values.size());
        pages.page(
                page,
                rows,
                rows,
                nulls == rows ? pages.nulls(nulls) : pages.range(encoded(min), encoded(max), nulls),
                Encoding.PLAIN);
        page.clear();
        values.clear();
        levels.clear();
        rows = 0;
        nulls = 0;
        min = Long.MAX_VALUE;
        max = Long.MIN_VALUE;
    }

    private byte[] encoded(long value) {
        PageBuffer buffer = new PageBuffer();
        buffer.writeLong(value);
        return Arrays.copyOf(buffer.bytes(), width);
    }

    void writeTo(ParquetFileWriter out) throws IOException {
        endPage();
        pages.writeTo(out);
    }
}
