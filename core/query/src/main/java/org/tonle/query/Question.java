package org.tonle.query;

import java.util.Set;
import org.tonle.spi.Principal;

/**
 * A statement, and how its answer is wanted.
 *
 * @param known the {@linkplain Answer#etag tags} of answers that the asker holds: one of them
 *     needn't be sent again
 */
public record Question(
        String sql, Principal principal, ReadPoint at, RowFormat format, Set<String> known) {
    public Question {
        known = Set.copyOf(known);
    }
}
