package org.tonle.ingest;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.iceberg.catalog.TableIdentifier;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.PinnedTable;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.SourceMark;

/**
 * What a source does with fields that it has no column for, on their way from the log to bronze.
 */
final class DriftGuard {
    private final SourceDefinition source;
    private final BodyRows rows;
    private final Map<String, BronzeDefinition> evolving = new HashMap<>();
    private final Map<String, FieldCheck> checks = new HashMap<>();

    DriftGuard(SourceDefinition source, BodyRows rows, LakeCatalog catalog) {
        this.source = source;
        this.rows = rows;
        for (BronzeDefinition table : source.tables()) {
            switch (table.drift().policy()) {
                case EVOLVE -> evolving.put(table.name(), table);
                case FAIL -> {
                    // what was acknowledged at a door was checked there
                    if (!(source.kind() instanceof SourceKind.Http)) {
                        checks.put(table.name(), check(table, catalog));
                    }
                }
                case IGNORE, QUARANTINE -> {
                    // datasets judge what is in bronze
                }
            }
        }
    }

    /** A check by the columns that there are now. */
    static FieldCheck check(BronzeDefinition table, LakeCatalog catalog) {
        return new FieldCheck(
                table,
                catalog.pin()
                        .table(TableIdentifier.of(BronzeTable.NAMESPACE, table.name()))
                        .map(PinnedTable::properties)
                        .orElse(Map.of()));
    }

    /** By name, the tables that get columns. */
    Map<String, BronzeDefinition> evolving() {
        return evolving;
    }

    /**
     * Why a record isn't taken; empty for a repeat, which is left whatever is in it.
     *
     * @param marks those that bronze has
     * @param batch what is to be committed next
     */
    Optional<LakeException> refusal(
            LogRecord record, Map<String, SourceMark> marks, @Nullable BronzeBatch batch) {
        return checks.isEmpty() || isRepeat(record, marks, batch)
                ? Optional.empty()
                : rows.problem(record, checks)
                        .map(problem ->
                                new LakeException(
                                        ErrorCode.SCHEMA_DRIFT,
                                        "%s. Everything before it is in bronze, and nothing behind it is taken. Declare a column for it in sources/%s.yaml, or another drift: there, and start the lake; or mend what it reads."
                                                .formatted(problem, source.name())));
    }

    private static boolean isRepeat(
            LogRecord record, Map<String, SourceMark> marks, @Nullable BronzeBatch batch) {
        return record.body()
                .mark()
                .filter(at -> {
                    String item = at.mark().item();
                    SourceMark known = batch == null ? null : batch.marks().get(item);
                    return !at.follows(known == null ? marks.get(item) : known);
                })
                .isPresent();
    }
}
