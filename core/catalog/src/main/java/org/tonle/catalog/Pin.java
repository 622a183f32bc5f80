package org.tonle.catalog;

import java.util.List;
import java.util.Optional;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.ledger.RefKind;

/** All tables as they stood at one sequence number. */
public final class Pin {
    private final LakeCatalog catalog;
    private final long seq;

    Pin(LakeCatalog catalog, long seq) {
        this.catalog = catalog;
        this.seq = seq;
    }

    public long seq() {
        return seq;
    }

    public Optional<PinnedTable> table(TableIdentifier identifier) {
        return catalog.ledger()
                .refAt(Names.encode(identifier.namespace()), identifier.name(), seq)
                .filter(ref -> ref.kind() == RefKind.TABLE)
                .map(catalog::pinned);
    }

    /** Every table, by namespace and name. */
    public List<PinnedTable> tables() {
        return catalog.ledger().refsAt(seq).stream()
                .filter(ref -> ref.kind() == RefKind.TABLE)
                .map(catalog::pinned)
                .toList();
    }
}
