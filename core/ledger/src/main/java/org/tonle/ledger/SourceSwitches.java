package org.tonle.ledger;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.mapper.RowMapper;
import org.tonle.spi.LakeException;

/**
 * Which sources of a lake are paused; all of its processes heed it. Every method throws {@link
 * LakeException} with LEDGER_UNAVAILABLE when PostgreSQL can't be asked.
 */
public final class SourceSwitches {
    private static final RowMapper<SourceSwitch> SWITCH =
            (row, context) ->
                    new SourceSwitch(
                            row.getString("source"),
                            row.getBoolean("paused"),
                            row.getString("changed_by"),
                            row.getTimestamp("changed_at").toInstant());

    private final LedgerRows rows;

    SourceSwitches(LedgerRows rows) {
        this.rows = rows;
    }

    /** By source; one of which nobody ever said anything is absent. */
    public Map<String, SourceSwitch> all() {
        return rows.read(handle ->
                handle.createQuery("SELECT * FROM tonle.source_switch").map(SWITCH).stream()
                        .collect(Collectors.toMap(SourceSwitch::source, Function.identity())));
    }

    /** What was said of one source. */
    public Optional<SourceSwitch> of(String source) {
        return rows.read(handle ->
                handle.createQuery("SELECT * FROM tonle.source_switch WHERE source = :source")
                        .bind("source", source)
                        .map(SWITCH)
                        .findOne());
    }

    /** Pauses a source; of one that is paused it stays known who did so first. */
    public SourceSwitch pause(String source, String by) {
        return set(source, true, by);
    }

    /** Resumes a source; of one that isn't paused it is known that somebody wanted so now. */
    public SourceSwitch resume(String source, String by) {
        return set(source, false, by);
    }

    private SourceSwitch set(String source, boolean paused, String by) {
        return rows.read(handle ->
                handle.createQuery(
                                """
                                INSERT INTO tonle.source_switch AS s (source, paused, changed_by)
                                VALUES (:source, :paused, :by)
                                ON CONFLICT (source) DO UPDATE SET
                                  paused = excluded.paused,
                                  changed_by = CASE WHEN s.paused AND excluded.paused
                                    THEN s.changed_by ELSE excluded.changed_by END,
                                  changed_at = CASE WHEN s.paused AND excluded.paused
                                    THEN s.changed_at ELSE excluded.changed_at END
                                RETURNING *
                                """)
                        .bind("source", source)
                        .bind("paused", paused)
                        .bind("by", by)
                        .map(SWITCH)
                        .one());
    }
}
