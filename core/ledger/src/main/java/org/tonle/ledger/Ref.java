package org.tonle.ledger;

import java.util.UUID;

/**
 * One version of a name's pointer.
 *
 * @param fromSeq the sequence number since which it points there
 * @param version how often the pointer moved, from 1
 */
public record Ref(
        UUID table,
        RefKind kind,
        String namespace,
        String name,
        String metadataLocation,
        long fromSeq,
        long version) {}
