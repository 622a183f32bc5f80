package org.tonle.ledger;

import java.time.Duration;

/**
 * How to reach the ledger's PostgreSQL.
 *
 * @param url a JDBC URL, {@code jdbc:postgresql://…}
 * @param poolSize connections of this process at most
 * @param resolveTimeout how long the outcome of a commit whose answer was lost is looked for before
 *     the caller is told that it is unknown
 */
public record LedgerConfig(
        String url, String user, String password, int poolSize, Duration resolveTimeout) {
    public LedgerConfig(String url, String user, String password) {
        this(url, user, password, 8, Duration.ofSeconds(30));
    }

    @Override
    public String toString() {
        return "LedgerConfig[url=" + url + ", user=" + user + ", password=***]";
    }
}
