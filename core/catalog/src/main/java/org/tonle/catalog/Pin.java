package org.tonle.catalog;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** All tables as they stood at one sequence number. Thread-safe; what is asked twice is known. */
public final class Pin {
    private final LakeCatalog catalog;
    private final long seq;
    private final Map<TableIdentifier, Ref> refs = new ConcurrentHashMap<>();

    Pin(LakeCatalog catalog, long seq) {
        this.catalog = catalog;
        this.seq = seq;
    }

    public long seq() {
        return seq;
    }

    /**
     * All tables as they were when {@code then} was the newest commit.
     *
     * @throws LakeException NOT_FOUND if that is after this pin, or has expired
     */
    public Pin at(long then) {
        if (then < 0 || then > seq) {
            throw new LakeException(
                    ErrorCode.NOT_FOUND,
                    "There is no commit " + then + "; the newest that is read is " + seq);
        }
        return catalog.pinAsOf(then);
    }

    /**
     * All tables as they were at a time, by the ledger's clock; this pin's if it is later.
     *
     * @throws LakeException NOT_FOUND if that has expired
     */
    public Pin at(Instant then) {
        return catalog.pinAsOf(Math.min(seq, catalog.ledger().seqAt(then)));
    }

    public Optional<PinnedTable> table(TableIdentifier identifier) {
        Ref known = refs.get(identifier);
        if (known != null) {
            return Optional.of(catalog.pinned(known));
        }
        Optional<Ref> ref =
                catalog.ledger()
                        .refAt(Names.encode(identifier.namespace()), identifier.name(), seq)
                        .filter(found -> found.kind() == RefKind.TABLE);
        ref.ifPresent(found -> refs.put(identifier, found));
        return ref.map(catalog::pinned);
    }

    /** Every table, by namespace and name. */
    public List<PinnedTable> tables() {
        return catalog.ledger().refsAt(seq).stream()
                .filter(ref -> ref.kind() == RefKind.TABLE)
                .map(catalog::pinned)
                .toList();
    }
}
