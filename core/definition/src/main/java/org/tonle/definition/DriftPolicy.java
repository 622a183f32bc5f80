package org.tonle.definition;

import java.util.Locale;

/** What becomes of an event with a field that its source has no column for. */
public enum DriftPolicy {
    /** The field stays in the payload, where it can be asked for. */
    IGNORE,
    /** The field becomes a column, of the type that takes all values seen. */
    EVOLVE,
    /** Each dataset that reads the event refuses it. */
    QUARANTINE,
    /** The event isn't taken, and nothing behind it. */
    FAIL;

    /** As it is written in a source file. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
