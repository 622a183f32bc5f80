package org.tonle.ingest;

import java.io.IOException;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.io.api.Binary;

/** A column of texts that rarely repeat, plain. */
final class TextColumn {
    private static final int PAGE_BYTES = 1 << 20;

    private final ColumnPages pages;
    private final PageBuffer page = new PageBuffer();
    private final PageBuffer values = new PageBuffer();
    private final PageBuffer levels = new PageBuffer();
    private final RunEncoder present = new RunEncoder(levels, 1);
    private int rows;
    private int nulls;

    TextColumn(ColumnPages pages) {
        this.pages = pages;
    }

    void add(Binary text) throws IOException {
        if (pages.isOptional()) {
            present.add(1, 1);
        }
        values.writeInt(text.length());
        text.writeTo(values);
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
            page.write(values.bytes(), 0, values.size());
            pages.page(page, rows, rows, pages.nulls(nulls), Encoding.PLAIN);
        } else {
            pages.page(values, rows, rows, pages.nulls(nulls), Encoding.PLAIN);
        }
        page.clear();
        values.clear();
        levels.clear();
        rows = 0;
        nulls = 0;
    }

    void writeTo(ParquetFileWriter out) throws IOException {
        endPage();
        pages.writeTo(out);
    }
}
