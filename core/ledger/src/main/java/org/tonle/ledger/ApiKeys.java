package org.tonle.ledger;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.mapper.RowMapper;
import org.tonle.spi.ApiKey;
import org.tonle.spi.LakeException;

/**
 * The API keys of a lake, each by the hash of what its owner holds. Every method throws {@link
 * LakeException} with LEDGER_UNAVAILABLE when PostgreSQL can't be asked.
 */
public final class ApiKeys {
    private static final RowMapper<ApiKey> KEY =
            (row, context) ->
                    new ApiKey(
                            row.getString("id"),
                            roles(row.getArray("roles")),
                            Optional.ofNullable(row.getString("on_behalf")),
                            row.getTimestamp("created_at").toInstant(),
                            Optional.ofNullable(row.getTimestamp("expires_at"))
                                    .map(java.sql.Timestamp::toInstant));

    private final LedgerRows rows;

    ApiKeys(LedgerRows rows) {
        this.rows = rows;
    }

    private static Set<String> roles(java.sql.Array array) throws java.sql.SQLException {
        return new HashSet<>(List.of((String[]) array.getArray()));
    }

    /**
     * Keeps a new key.
     *
     * @param hash of the key, in hexadecimal
     * @param time how long it is taken; empty: until it is revoked
     * @param by who made it
     */
    public ApiKey create(
            String id,
            String hash,
            Set<String> roles,
            Optional<String> user,
            Optional<Duration> time,
            String by) {
        return rows.read(handle ->
                handle.createQuery(
                                "INSERT INTO tonle.api_key (id, hash, roles, on_behalf, created_by,"
                                        + " expires_at) VALUES (:id, :hash, :roles, :user, :by,"
                                        + " clock_timestamp() + :millis * interval '1 ms')"
                                        + " RETURNING *")
                        .bind("id", id)
                        .bind("hash", hash)
                        .bindArray("roles", String.class, List.copyOf(roles))
                        .bind("user", user.orElse(null))
                        .bind("by", by)
                        .bind("millis", time.map(Duration::toMillis).orElse(null))
                        .map(KEY)
                        .one());
    }

    /** Those that are taken now, by the hash of each. */
    public Map<String, ApiKey> live() {
        return rows.read(handle -> {
            Map<String, ApiKey> found = new HashMap<>();
            handle.createQuery(
                            "SELECT * FROM tonle.api_key WHERE revoked_at IS NULL"
                                    + " AND (expires_at IS NULL OR expires_at > clock_timestamp())")
                    .map((row, context) -> Map.entry(row.getString("hash"), KEY.map(row, context)))
                    .forEach(entry -> found.put(entry.getKey(), entry.getValue()));
            return found;
        });
    }

    /** Ends a key for ever; false if there is no live one of that id. */
    public boolean revoke(String id) {
        return rows.read(handle ->
                handle.createUpdate(
                                        "UPDATE tonle.api_key SET revoked_at = clock_timestamp()"
                                                + " WHERE id = :id AND revoked_at IS NULL")
                                .bind("id", id)
                                .execute()
                        == 1);
    }
}
