package org.tonle.ledger;

import java.util.OptionalLong;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What one commit did to one table. Null before: created; null after: dropped.
 *
 * @param isExpired whether states up to this commit have expired, so that its files may be gone
 */
public record Change(
        long seq,
        UUID commit,
        String commitKind,
        UUID table,
        @Nullable String metadataBefore,
        @Nullable String metadataAfter,
        String operation,
        OptionalLong snapshotId,
        boolean isExpired) {}
