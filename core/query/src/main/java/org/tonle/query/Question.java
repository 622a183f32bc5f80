package org.tonle.query;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.Principal;

/**
 * A statement, and how its answer is wanted.
 *
 * @param parameters what its {@code ?} stand for: texts, numbers, booleans or null, in order
 * @param namespace of tables that are named without one
 * @param known the {@linkplain Answer#etag tags} of answers that the asker holds: one of them
 *     needn't be sent again
 */
public record Question(
        String sql,
        List<? extends @Nullable Object> parameters,
        Optional<String> namespace,
        Principal principal,
        ReadPoint at,
        RowFormat format,
        Set<String> known) {
    public Question {
        parameters = Collections.unmodifiableList(new ArrayList<@Nullable Object>(parameters));
        known = Set.copyOf(known);
    }

    /** A statement without parameters that names the namespace of each table. */
    public Question(
            String sql, Principal principal, ReadPoint at, RowFormat format, Set<String> known) {
        this(sql, List.of(), Optional.empty(), principal, at, format, known);
    }
}
