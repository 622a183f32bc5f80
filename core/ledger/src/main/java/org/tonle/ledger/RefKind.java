package org.tonle.ledger;

/** What a name of the catalog points to. */
public enum RefKind {
    TABLE,
    VIEW
}
