package org.tonle.ingest;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.values.rle.RunLengthBitPackingHybridEncoder;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.jspecify.annotations.Nullable;

/**
 * The map {@code headers}, which is the same for all rows of a body: its two columns are made from
 * one entry per body when the row group is written.
 */
final class HeaderColumns {
    /** Up to this size a dictionary is always right. */
    private static final long SMALL_DICTIONARY_BYTES = 1 << 20;

    /** Definition levels of a map that is missing, of a name, and of a value. */
    private static final int MISSING = 0;

    private static final int NAME = 2;
    private static final int VALUE = 3;

    /** The headers of {@code rows} rows in a row, as ids. */
    private static final class Run {
        private final int[] names;
        private final int[] values;
        private int rows;

        private Run(int[] names, int[] values) {
            this.names = names;
            this.values = values;
        }
    }

    private final ColumnPages namePages;
    private final ColumnPages valuePages;
    private final TextDictionary names = new TextDictionary();
    private final TextDictionary values = new TextDictionary();
    private final List<Run> runs = new ArrayList<>();
    private @Nullable List<BronzeRow.HeaderEntry> last;
    private int rows;
    private int entries;
    private int missing;

    HeaderColumns(ColumnPages namePages, ColumnPages valuePages) {
        this.namePages = namePages;
        this.valuePages = valuePages;
    }

    void add(List<BronzeRow.HeaderEntry> headers) {
        // the same object for all events of a body, so that this is quick
        if (!headers.equals(last)) {
            begin(headers);
            last = headers;
        }
        runs.getLast().rows++;
        rows++;
        entries += Math.max(1, headers.size());
        missing += headers.isEmpty() ? 1 : 0;
    }

    private void begin(List<BronzeRow.HeaderEntry> headers) {
        int[] nameIds = new int[headers.size()];
        int[] valueIds = new int[headers.size()];
        for (int i = 0; i < headers.size(); i++) {
            nameIds[i] = names.id(headers.get(i).name());
            valueIds[i] = values.id(headers.get(i).value());
        }
        runs.add(new Run(nameIds, valueIds));
    }

    /** Of the distinct names and values. */
    long bytes() {
        return names.bytes() + values.bytes();
    }

    void writeTo(ParquetFileWriter out) throws IOException {
        PageBuffer repetition = repetitionLevels();
        write(namePages, repetition, names, NAME, true);
        write(valuePages, repetition, values, VALUE, false);
        namePages.writeTo(out);
        valuePages.writeTo(out);
        names.clear();
        values.clear();
        runs.clear();
        last = null;
        rows = 0;
        entries = 0;
        missing = 0;
    }

    /** 0 where a row begins, 1 where its map goes on; the same for names and values. */
    private PageBuffer repetitionLevels() throws IOException {
        PageBuffer levels = new PageBuffer();
        try (RunLengthBitPackingHybridEncoder encoder = encoder(1)) {
            for (Run run : runs) {
                for (int row = 0; row < run.rows; row++) {
                    encoder.writeInt(0);
                    for (int i = 1; i < run.names.length; i++) {
                        encoder.writeInt(1);
                    }
                }
            }
            encoder.toBytes().writeAllTo(levels);
        }
        return levels;
    }

    private void write(
            ColumnPages pages,
            PageBuffer repetition,
            TextDictionary dictionary,
            int present,
            boolean areNames)
            throws IOException {
        PageBuffer page = new PageBuffer();
        page.writeInt(repetition.size());
        page.write(repetition.bytes(), 0, repetition.size());
        int lengthAt = page.size();
        page.writeInt(0);
        RunEncoder definition = new RunEncoder(page, 2);
        for (Run run : runs) {
            boolean empty = run.names.length == 0;
            definition.add(empty ? MISSING : present, run.rows * Math.max(1, run.names.length));
        }
        definition.flush();
        page.setInt(lengthAt, page.size() - lengthAt - Integer.BYTES);

        // a dictionary of texts that hardly repeat costs readers more than it saves
        boolean plain =
                dictionary.bytes() > SMALL_DICTIONARY_BYTES
                        && plainBytes(dictionary, areNames) < 2 * dictionary.bytes();
        if (plain) {
            writePlain(page, dictionary, areNames);
        } else if (dictionary.size() > 0) {
            PageBuffer texts = new PageBuffer();
            dictionary.writeTo(texts);
            pages.dictionary(texts, dictionary.size());
            writeIds(page, dictionary, areNames);
        }
        pages.page(
                page,
                entries,
                rows,
                pages.nulls(missing),
                plain || dictionary.size() == 0 ? Encoding.PLAIN : Encoding.RLE_DICTIONARY);
    }

    private long plainBytes(TextDictionary dictionary, boolean areNames) {
        long bytes = 0;
        for (Run run : runs) {
            for (int id : areNames ? run.names : run.values) {
                bytes += (long) run.rows * (Integer.BYTES + dictionary.text(id).length());
            }
        }
        return bytes;
    }

    private void writeIds(PageBuffer page, TextDictionary dictionary, boolean areNames)
            throws IOException {
        page.write(dictionary.bitWidth());
        try (RunLengthBitPackingHybridEncoder encoder = encoder(dictionary.bitWidth())) {
            for (Run run : runs) {
                int[] ids = areNames ? run.names : run.values;
                for (int row = 0; row < run.rows; row++) {
                    for (int id : ids) {
                        encoder.writeInt(id);
                    }
                }
            }
            encoder.toBytes().writeAllTo(page);
        }
    }

    private void writePlain(PageBuffer page, TextDictionary dictionary, boolean areNames)
            throws IOException {
        for (Run run : runs) {
            int[] ids = areNames ? run.names : run.values;
            for (int row = 0; row < run.rows; row++) {
                for (int id : ids) {
                    page.writeInt(dictionary.text(id).length());
                    dictionary.text(id).writeTo(page);
                }
            }
        }
    }

    private static RunLengthBitPackingHybridEncoder encoder(int bitWidth) {
        return new RunLengthBitPackingHybridEncoder(
                bitWidth, 1 << 10, 1 << 20, new HeapByteBufferAllocator());
    }
}
