package org.tonle.ingest;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.page.DictionaryPage;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.jspecify.annotations.Nullable;

/** The compressed pages of one column of a row group, until the group is written. */
final class ColumnPages {
    private record Page(
            BytesInput compressed,
            int rawBytes,
            int values,
            int rows,
            Statistics<?> statistics,
            Encoding encoding) {}

    private final ColumnDescriptor column;
    private final ZstdCompressCtx zstd;
    private final List<Page> pages = new ArrayList<>();
    private @Nullable DictionaryPage dictionary;
    private long values;

    ColumnPages(ColumnDescriptor column, ZstdCompressCtx zstd) {
        this.column = column;
        this.zstd = zstd;
    }

    /** Whether a value can be missing. */
    boolean isOptional() {
        return column.getMaxDefinitionLevel() > 0;
    }

    /** Statistics of a page that say no more than how many values are missing. */
    Statistics<?> nulls(int count) {
        return Statistics.getBuilderForReading(column.getPrimitiveType())
                .withNumNulls(count)
                .build();
    }

    /** Statistics of a page of numbers; {@code min} and {@code max} as Parquet encodes them. */
    Statistics<?> range(byte[] min, byte[] max, int nulls) {
        return Statistics.getBuilderForReading(column.getPrimitiveType())
                .withMin(min)
                .withMax(max)
                .withNumNulls(nulls)
                .build();
    }

    /** Adds a page of levels and values, as version 1 of the format lays them out. */
    void page(PageBuffer raw, int count, int rows, Statistics<?> statistics, Encoding encoding) {
        pages.add(new Page(compressed(raw), raw.size(), count, rows, statistics, encoding));
        values += count;
    }

    /** Sets the dictionary that the pages of this row group refer to. */
    void dictionary(PageBuffer raw, int entries) {
        dictionary = new DictionaryPage(compressed(raw), raw.size(), entries, Encoding.PLAIN);
    }

    private BytesInput compressed(PageBuffer raw) {
        byte[] target = new byte[Math.toIntExact(Zstd.compressBound(raw.size()))];
        int size = zstd.compressByteArray(target, 0, target.length, raw.bytes(), 0, raw.size());
        return BytesInput.from(Arrays.copyOf(target, size));
    }

    /** Writes the column and forgets it. */
    void writeTo(ParquetFileWriter out) throws IOException {
        out.startColumn(column, values, CompressionCodecName.ZSTD);
        if (dictionary != null) {
            out.writeDictionaryPage(dictionary);
        }
        for (Page page : pages) {
            out.writeDataPage(
                    page.values(),
                    page.rawBytes(),
                    page.compressed(),
                    page.statistics(),
                    page.rows(),
                    Encoding.RLE,
                    Encoding.RLE,
                    page.encoding());
        }
        out.endColumn();
        pages.clear();
        dictionary = null;
        values = 0;
    }
}
