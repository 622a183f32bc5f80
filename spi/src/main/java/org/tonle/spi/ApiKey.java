package org.tonle.spi;

import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/**
 * What is known of an API key: all but the key itself, which nobody but its owner has.
 *
 * @param id names it; no secret
 * @param roles what it is for; with a user, no more of them hold than the user has
 * @param user on whose behalf it asks; empty: nobody's
 * @param created by the ledger's clock
 * @param expires from when on it isn't taken; empty: never
 */
public record ApiKey(
        String id,
        Set<String> roles,
        Optional<String> user,
        Instant created,
        Optional<Instant> expires) {
    public ApiKey {
        roles = Set.copyOf(roles);
    }
}
