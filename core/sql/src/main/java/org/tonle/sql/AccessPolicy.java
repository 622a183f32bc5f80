package org.tonle.sql;

import java.util.Optional;

/** What one principal sees. */
@FunctionalInterface
public interface AccessPolicy {
    /** Sees everything: for what the lake itself runs. */
    AccessPolicy ALL = table -> Optional.of(Access.FULL);

    /** What is seen of a table, whatever the case of its name; empty: not even that it exists. */
    Optional<Access> of(TableName table);
}
