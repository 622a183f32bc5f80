package org.tonle.pipeline;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.PinnedTable;
import org.tonle.sql.PinnedTables;

/**
 * All that a dataset's input holds, in the order in which it came: files as they were added, those
 * of the last state that was no addition first.
 */
final class InputHistory {
    private final List<Piece> pieces = new ArrayList<>();
    private final ChangeRange.Limit batch;

    /**
     * A file, and in which time its rows were taken in, in microseconds, as far as that is known.
     */
    private record Piece(org.tonle.sql.DataFile file, long bytes, long earliest, long latest) {}

    /**
     * @param input as it is at {@code upTo}
     */
    InputHistory(RunEnvironment lake, PinnedTable input, long upTo) {
        this.batch = lake.settings().batch();
        long from = 0;
        while (true) {
            switch (lake.catalog().changes(input.uuid(), from, upTo, ChangeRange.Limit.NONE)) {
                case ChangeRange.Rewritten rewritten -> from = rewritten.seq();
                case ChangeRange.Appended appended -> {
                    if (from > 0) {
                        PinnedTable before =
                                lake.catalog().pinAt(from).table(input.identifier()).orElseThrow();
                        add(before, before.files(), PinnedTables.files(before, before.files()));
                    }
                    add(input, appended.files(), PinnedTables.added(input, appended.files()));
                    return;
                }
            }
        }
    }

    private void add(PinnedTable input, List<DataFile> files, List<org.tonle.sql.DataFile> asRead) {
        Types.NestedField time =
                Optional.ofNullable(input.schema().findField("ingest_time"))
                        .orElseGet(() -> input.schema().findField("_ingest_time"));
        for (int i = 0; i < files.size(); i++) {
            pieces.add(
                    new Piece(
                            asRead.get(i),
                            files.get(i).fileSizeInBytes(),
                            bound(files.get(i).lowerBounds(), time, Long.MIN_VALUE),
                            bound(files.get(i).upperBounds(), time, Long.MAX_VALUE)));
        }
    }

    private static long bound(
            @Nullable Map<Integer, ByteBuffer> bounds, Types.NestedField column, long unknown) {
        ByteBuffer bound = bounds == null ? null : bounds.get(column.fieldId());
        return bound == null ? unknown : Conversions.<Long>fromByteBuffer(column.type(), bound);
    }

    /** All files, in parts that are about as large as those of a run. */
    List<List<org.tonle.sql.DataFile>> batches() {
        return batches(Long.MIN_VALUE, Long.MAX_VALUE);
    }

    /** Of the files, those that may hold rows that were taken in from one time to another. */
    List<List<org.tonle.sql.DataFile>> batches(long from, long to) {
        List<List<org.tonle.sql.DataFile>> batches = new ArrayList<>();
        List<org.tonle.sql.DataFile> current = new ArrayList<>();
        long bytes = 0;
        long rows = 0;
        for (Piece piece : pieces) {
            if (piece.latest() < from || piece.earliest() > to) {
                continue;
            }
            current.add(piece.file());
            bytes += piece.bytes();
            rows += piece.file().records();
            if (bytes >= batch.bytes() || rows >= batch.rows()) {
                batches.add(List.copyOf(current));
                current.clear();
                bytes = 0;
                rows = 0;
            }
        }
        if (!current.isEmpty()) {
            batches.add(List.copyOf(current));
        }
        return batches;
    }
}
