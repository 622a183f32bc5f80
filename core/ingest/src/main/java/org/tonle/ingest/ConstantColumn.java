package org.tonle.ingest;

import java.io.IOException;
import java.util.Arrays;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.io.api.Binary;
import org.jspecify.annotations.Nullable;

/**
 * A required column of texts that stay the same for many rows: a dictionary and runs of its ids.
 */
final class ConstantColumn {
    private final ColumnPages pages;
    private final TextDictionary dictionary = new TextDictionary();
    private int[] runIds = new int[16];
    private int[] runRows = new int[16];
    private int runs;
    private int rows;
    private @Nullable Binary last;

    ConstantColumn(ColumnPages pages) {
        this.pages = pages;
    }

    @SuppressWarnings("ReferenceEquality") // only a shortcut: equal texts have one id
    void add(Binary text) {
        // the same object for all events of a body
        if (text != last) {
            begin(dictionary.id(text));
            last = text;
        }
        runRows[runs - 1]++;
        rows++;
    }

    private void begin(int id) {
        if (runs > 0 && runIds[runs - 1] == id) {
            return;
        }
        if (runs == runIds.length) {
            runIds = Arrays.copyOf(runIds, runs * 2);
            runRows = Arrays.copyOf(runRows, runs * 2);
        }
        runIds[runs] = id;
        runRows[runs] = 0;
        runs++;
    }

    void writeTo(ParquetFileWriter out) throws IOException {
        PageBuffer buffer = new PageBuffer();
        dictionary.writeTo(buffer);
        pages.dictionary(buffer, dictionary.size());
        buffer.clear();
        buffer.write(dictionary.bitWidth());
        RunEncoder encoder = new RunEncoder(buffer, dictionary.bitWidth());
        for (int run = 0; run < runs; run++) {
            encoder.add(runIds[run], runRows[run]);
        }
        encoder.flush();
        pages.page(buffer, rows, rows, pages.nulls(0), Encoding.RLE_DICTIONARY);
        pages.writeTo(out);
        dictionary.clear();
        runs = 0;
        rows = 0;
        last = null;
    }
}
