package org.tonle.ingest;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.parquet.io.api.Binary;

/** The distinct texts of one column of a row group, numbered as they came. */
final class TextDictionary {
    private final Map<Binary, Integer> ids = new HashMap<>();
    private final List<Binary> texts = new ArrayList<>();
    private long bytes;

    int id(Binary text) {
        Integer known = ids.get(text);
        if (known != null) {
            return known;
        }
        Binary kept = text.copy();
        ids.put(kept, texts.size());
        texts.add(kept);
        bytes += Integer.BYTES + kept.length();
        return texts.size() - 1;
    }

    Binary text(int id) {
        return texts.get(id);
    }

    int size() {
        return texts.size();
    }

    /** What the dictionary takes in a file. */
    long bytes() {
        return bytes;
    }

    /** Bits that the largest id needs; none for the one text of a constant column. */
    int bitWidth() {
        return Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(0, texts.size() - 1));
    }

    void writeTo(PageBuffer out) throws IOException {
        for (Binary text : texts) {
            out.writeInt(text.length());
            text.writeTo(out);
        }
    }

    void clear() {
        ids.clear();
        texts.clear();
        bytes = 0;
    }
}
