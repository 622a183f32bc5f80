package org.tonle.lake;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import org.tonle.catalog.LedgerCatalog;
import org.tonle.ledger.CommitRecord;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/**
 * The one commit of a request. Its id is made of who asks and the key that was sent with it, so
 * that the ledger itself decides which of several requests with one key happened: the others are
 * answered what that one was.
 */
final class OnceCommit implements LedgerCatalog.Author {
    private static final String KIND = "rest";

    private final Ledger ledger;
    private final Principal principal;
    private final Optional<IcebergClient.Key> key;
    private final UUID id;
    private final String attempt = UUID.randomUUID().toString();
    private final Map<String, String> notes = new HashMap<>();

    OnceCommit(Ledger ledger, Principal principal, Optional<IcebergClient.Key> key) {
        this.ledger = ledger;
        this.principal = principal;
        this.key = key;
        this.id = key.map(sent -> id(principal, sent.text())).orElseGet(UUID::randomUUID);
    }

    private static UUID id(Principal principal, String key) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String part : new String[] {KIND, principal.name(), key}) {
                byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                digest.update(ByteBuffer.allocate(4).putInt(bytes.length).flip());
                digest.update(bytes);
            }
            ByteBuffer hash = ByteBuffer.wrap(digest.digest());
            return new UUID(hash.getLong(), hash.getLong());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public CommitRequest.Builder begin(String action) {
        CommitRequest.Builder commit =
                CommitRequest.builder(id, KIND, principal.name()).summary("action", action);
        key.ifPresent(
                sent -> commit.summary("request", sent.request()).summary("attempt", attempt));
        notes.forEach(commit::summary);
        return commit;
    }

    /** Something that the answer can't be made of again without. */
    void note(String name, String value) {
        notes.put(name, value);
    }

    void run(Runnable act) {
        var unused =
                answer(
                        () -> {
                            act.run();
                            return true;
                        },
                        first -> true);
    }

    /**
     * Acts, unless a request of this key has; a request that failed has done nothing, and may be
     * sent again.
     *
     * @param again makes the answer of the request that has
     * @throws LakeException IDEMPOTENCY_MISMATCH if that was another request
     */
    <T> T answer(Supplier<T> act, Function<CommitRecord, T> again) {
        if (key.isEmpty()) {
            return act.get();
        }
        Optional<CommitRecord> first = others();
        if (first.isEmpty()) {
            T answer;
            try {
                answer = act.get();
            } catch (RuntimeException e) {
                // perhaps because the same request came first
                Optional<CommitRecord> meanwhile = others();
                if (meanwhile.isEmpty()) {
                    throw e;
                }
                return again.apply(same(meanwhile.get()));
            }
            first = others();
            if (first.isEmpty()) {
                return answer;
            }
        }
        return again.apply(same(first.get()));
    }

    private Optional<CommitRecord> others() {
        return ledger.committed(id)
                .filter(commit -> !commit.fact("attempt").equals(Optional.of(attempt)));
    }

    private CommitRecord same(CommitRecord first) {
        if (!first.fact("request").equals(key.map(IcebergClient.Key::request))) {
            throw new LakeException(
                    ErrorCode.IDEMPOTENCY_MISMATCH,
                    "another request was sent with this Idempotency-Key, and happened as commit "
                            + first.seq());
        }
        return first;
    }
}
