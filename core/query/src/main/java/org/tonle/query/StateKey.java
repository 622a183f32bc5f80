package org.tonle.query;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.tonle.catalog.PinnedTable;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.BoundTable;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.SqlEngine;

/**
 * Names everything that an answer depends on: what the engine is told after policy was applied
 * (with its own version and settings), and the state of each table that is read. It holds no
 * principal: who sees the same shares the answer, and whoever sees less has another statement.
 */
final class StateKey {
    private final byte[] printed;
    private final List<BoundTable> references;

    private StateKey(byte[] printed, List<BoundTable> references) {
        this.printed = printed;
        this.references = references;
    }

    /** Of a statement over tables in any state; empty if its answer depends on more than that. */
    static Optional<StateKey> of(BoundQuery query, SqlEngine engine) {
        if (query.isVolatile()) {
            return Optional.empty();
        }
        List<BoundTable> references = new ArrayList<>();
        MessageDigest digest = sha256();
        update(
                digest,
                engine.print(
                        query,
                        table -> {
                            references.add(table);
                            return "(" + references.size() + ")";
                        }));
        return Optional.of(new StateKey(digest.digest(), List.copyOf(references)));
    }

    /** Of the statement over tables in their states; empty if one of them has none. */
    Optional<byte[]> over(PinnedTables tables) {
        MessageDigest digest = sha256();
        digest.update(printed);
        for (BoundTable reference : references) {
            Optional<PinnedTable> table = tables.pinned(reference.table().name());
            if (table.isEmpty()) {
                return Optional.empty();
            }
            update(digest, table.get().uuid().toString());
            update(digest, table.get().metadataLocation());
            update(digest, reference.onRead().toString());
        }
        return Optional.of(digest.digest());
    }

    /** Of the answer in one form, within limits: one that is longer than allowed is an error. */
    static String of(byte[] state, RowFormat format, QuerySettings.Limits limits) {
        MessageDigest digest = sha256();
        digest.update(state);
        update(digest, format + " " + limits.maxRows() + " " + limits.maxBytes());
        return HexFormat.of().formatHex(digest.digest());
    }

    /** With its length before it, so that no two lists of texts give the same bytes. */
    private static void update(MessageDigest digest, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
        digest.update(bytes);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
