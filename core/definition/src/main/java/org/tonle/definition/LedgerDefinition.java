package org.tonle.definition;

import java.util.Optional;

/** Where the ledger is. */
public sealed interface LedgerDefinition {
    /** A PostgreSQL beside the process, under {@code .tonle/}. */
    record Embedded() implements LedgerDefinition {}

    /**
     * A PostgreSQL that somebody operates.
     *
     * @param url {@code jdbc:postgresql://…}
     * @param password empty where the server asks for none
     */
    record Postgres(String url, String user, Optional<Secret> password)
            implements LedgerDefinition {}
}
