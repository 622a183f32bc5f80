package org.tonle.lake;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ledger.ApiKeys;
import org.tonle.spi.ApiKey;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Policies;

/**
 * Tells who holds a token: the admin token of the lake's folder, or an API key. Looks the keys up
 * once a second, so that no request waits for the ledger; what it knows is forgotten when the
 * ledger can't be asked for five.
 */
final class Authenticator implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Authenticator.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(1);
    private static final Duration MOST_AGE = Duration.ofSeconds(5);
    private static final Principal ADMIN =
            new Principal(Principal.ADMIN, Set.of(Principal.ADMIN), Map.of());

    private final byte[] adminHash;
    private final ApiKeys keys;
    private final Policies policies;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();
    private final Thread thread;
    private volatile Known known;
    private volatile boolean stopping;

    /**
     * @param nanos when the ledger was asked, by {@link System#nanoTime}
     */
    private record Known(Map<String, ApiKey> byHash, long nanos) {}

    private Authenticator(String adminToken, ApiKeys keys, Policies policies, Clock clock) {
        this.adminHash = sha256(adminToken);
        this.keys = keys;
        this.policies = policies;
        this.clock = clock;
        this.known = look();
        this.thread = Thread.ofVirtual().name("api-keys").unstarted(this::watch);
    }

    /** Knows the keys when it returns, and until it is closed. */
    static Authenticator start(String adminToken, ApiKeys keys, Policies policies, Clock clock) {
        Authenticator authenticator = new Authenticator(adminToken, keys, policies, clock);
        authenticator.thread.start();
        return authenticator;
    }

    private Known look() {
        long now = System.nanoTime();
        return new Known(Map.copyOf(keys.live()), now);
    }

    private void watch() {
        boolean failed = false;
        while (!stopping) {
            try {
                TimeUnit.NANOSECONDS.sleep(BETWEEN_LOOKS.toNanos());
                newer(look());
                failed = false;
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                // whatever it is, the next look may succeed
                if (!failed && !stopping) {
                    log.warn("API keys can't be looked up now: {}", e.getMessage());
                }
                failed = true;
            }
        }
    }

    /** A look that was overtaken by a newer one knows less. */
    private synchronized void newer(Known looked) {
        if (looked.nanos() - known.nanos() > 0) {
            known = looked;
        }
    }

    /**
     * Whoever holds a token. Never waits.
     *
     * @throws LakeException UNAUTHENTICATED if nobody does; LEDGER_UNAVAILABLE if that isn't known
     *     now
     */
    Principal authenticate(String token) {
        byte[] hash = sha256(token);
        if (MessageDigest.isEqual(hash, adminHash)) {
            return ADMIN;
        }
        Known now = known;
        if (System.nanoTime() - now.nanos() > MOST_AGE.toNanos()) {
            throw new LakeException(
                    ErrorCode.LEDGER_UNAVAILABLE,
                    "whether this API key still holds isn't known, because the ledger can't be"
                            + " asked");
        }
        // of equal hashes nobody learns by timing: who could choose one had the key
        ApiKey key = now.byHash().get(HexFormat.of().formatHex(hash));
        if (key == null
                || key.expires().filter(end -> !clock.instant().isBefore(end)).isPresent()) {
            throw new LakeException(
                    ErrorCode.UNAUTHENTICATED,
                    "this token isn't known, has expired or was revoked");
        }
        return policies.of(key);
    }

    /** A new key, and what is known of it. */
    LakeAccess.NewKey create(
            Set<String> roles, Optional<String> user, Optional<Duration> time, Principal by) {
        Set<String> unknown = new TreeSet<>(roles);
        unknown.removeAll(policies.roles());
        if (!unknown.isEmpty()) {
            throw new LakeException(
                    ErrorCode.NOT_FOUND,
                    "There is no role %s; there are %s"
                            .formatted(
                                    String.join(", ", unknown),
                                    String.join(", ", policies.roles())));
        }
        Set<String> held = user.map(this::rolesOf).orElse(roles);
        if (!held.containsAll(roles)) {
            throw new LakeException(
                    ErrorCode.INVALID_REQUEST,
                    "%s has the roles %s only; a key can't have more"
                            .formatted(user.orElse(""), String.join(", ", new TreeSet<>(held))));
        }
        Set<String> scope = roles.isEmpty() ? held : roles;
        if (scope.isEmpty()) {
            throw new LakeException(
                    ErrorCode.INVALID_REQUEST, "A key needs a role, or a user who has some");
        }
        if (time.isPresent() && time.get().isNegative()) {
            throw new LakeException(ErrorCode.INVALID_REQUEST, "A key can't have expired already");
        }
        byte[] secret = new byte[32];
        random.nextBytes(secret);
        byte[] id = new byte[5];
        random.nextBytes(id);
        String token = "tonle_" + Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
        ApiKey key =
                keys.create(
                        HexFormat.of().formatHex(id),
                        HexFormat.of().formatHex(sha256(token)),
                        scope,
                        user,
                        time,
                        by.name());
        newer(look());
        return new LakeAccess.NewKey(key, token);
    }

    private Set<String> rolesOf(String user) {
        return policies.rolesOf(user)
                .orElseThrow(() ->
                        new LakeException(
                                ErrorCode.NOT_FOUND,
                                "There is no user " + user + " in policies/*.yaml"));
    }

    /** Those that are taken now, the oldest first. */
    List<ApiKey> list() {
        return keys.live().values().stream()
                .sorted(java.util.Comparator.comparing(ApiKey::created).thenComparing(ApiKey::id))
                .toList();
    }

    /** Ends a key here at once, and in every other process within a second. */
    void revoke(String id) {
        boolean revoked = keys.revoke(id);
        newer(look());
        if (!revoked) {
            throw new LakeException(ErrorCode.NOT_FOUND, "There is no API key " + id);
        }
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public void close() {
        stopping = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
