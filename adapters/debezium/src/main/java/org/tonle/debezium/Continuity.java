package org.tonle.debezium;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Whether the server still tells all that was changed since what was taken. Where it may not, the
 * source stops, says what happened, and how all rows are read anew.
 */
final class Continuity {
    private final SourceKind.Postgres kind;
    private final PostgresServer server;
    private final PostgresPublication publication;
    private final Set<String> tables;

    /**
     * @param tables those of the source's file, {@code schema.table}
     */
    Continuity(
            SourceKind.Postgres kind,
            PostgresServer server,
            PostgresPublication publication,
            Set<String> tables) {
        this.kind = kind;
        this.server = server;
        this.publication = publication;
        this.tables = tables;
    }

    void requireNoNewTables(LogState known) {
        Set<String> fresh = new TreeSet<>(tables);
        fresh.removeAll(known.tables().keySet());
        if (!fresh.isEmpty()) {
            throw new LakeException(
                    ErrorCode.INCOMPATIBLE_CHANGE,
                    "The source's file names tables whose rows weren't read when it began: %s. %s Or read them by a source of their own."
                            .formatted(String.join(", ", fresh), anew()));
        }
    }

    void requireSameTables(LogState known) {
        Map<String, String> now = publication.identities(tables);
        Set<String> others = new TreeSet<>();
        for (String table : tables) {
            if (!known.tables().getOrDefault(table, "").equals(now.get(table))) {
                others.add(table);
            }
        }
        if (!others.isEmpty()) {
            throw new LakeException(
                    ErrorCode.LOG_GAP,
                    "Publication %s of %s, or a table of it, was dropped, taken out or made again: %s. What was changed meanwhile the lake may not have been told. %s"
                            .formatted(
                                    kind.publication(),
                                    PostgresErrors.name(kind),
                                    String.join(", ", others),
                                    anew()));
        }
    }

    private String anew() {
        return "To read all its tables anew, write a new slot: into the source's file (slot: %s_2), and start the lake again. It drops the old one, if nobody moved it, when bronze has them."
                .formatted(kind.slot());
    }

    void requireSameServer(LogState known, PostgresServer.Identity identity) {
        if (!known.system().isEmpty() && !identity.system().equals(known.system())) {
            throw new LakeException(
                    ErrorCode.LOG_GAP,
                    "%s is another database than the one that was read (system identifier %s, and it was %s). %s"
                            .formatted(
                                    PostgresErrors.name(kind),
                                    identity.system(),
                                    known.system(),
                                    anew()));
        }
        if (known.open() && known.timeline() != 0 && known.timeline() != identity.timeline()) {
            throw new LakeException(
                    ErrorCode.LOG_GAP,
                    "A standby of %s took over while the lake had a large transaction in part, behind %s: whether the rest of it is there can't be told. %s"
                            .formatted(PostgresErrors.name(kind), lsn(known.lsn()), anew()));
        }
        // what was read must lie in the part that both logs have
        long common =
                known.timeline() == 0 || known.timeline() == identity.timeline()
                        ? server.end()
                        : Math.min(
                                server.end(),
                                server.leftTimeline(known.timeline(), identity.timeline()));
        if (common < known.lsn()) {
            throw new LakeException(
                    ErrorCode.LOG_GAP,
                    "%s has gone back: its log is the one that was read up to %s only, and the lake has what was committed up to %s. It was restored, or a standby took over that hadn't got everything. %s"
                            .formatted(
                                    PostgresErrors.name(kind),
                                    lsn(common),
                                    lsn(known.lsn()),
                                    anew()));
        }
    }

    void requireNothingLost(LogState known, Optional<PostgresServer.Slot> slot) {
        if (slot.isEmpty()) {
            throw new LakeException(
                    ErrorCode.LOG_GAP,
                    "%s has no slot %s any more: it was dropped, or a standby took over that didn't have it. What was changed after %s may be lost to the lake. %s"
                            .formatted(
                                    PostgresErrors.name(kind),
                                    kind.slot(),
                                    lsn(known.lsn()),
                                    anew()));
        }
        if (slot.get().active()) {
            throw busy();
        }
        if (slot.get().status().equals("lost")) {
            throw new LakeException(
                    ErrorCode.LOG_GAP,
                    "%s has dropped the part of its log that slot %s needs (max_slot_wal_keep_size, or idle_replication_slot_timeout): what was changed after %s is lost to the lake. %s"
                            .formatted(
                                    PostgresErrors.name(kind),
                                    kind.slot(),
                                    lsn(known.lsn()),
                                    anew()));
        }
        if (!slot.get().plugin().equals("pgoutput")
                || !slot.get().database().equals(kind.database())) {
            throw new LakeException(
                    ErrorCode.INVALID_DEFINITION,
                    "Slot %s of %s is one of plugin %s and database %s. %s"
                            .formatted(
                                    kind.slot(),
                                    PostgresErrors.name(kind),
                                    slot.get().plugin(),
                                    slot.get().database(),
                                    anew()));
        }
        if (slot.get().confirmed() > known.lsn()) {
            throw new LakeException(
                    ErrorCode.LOG_GAP,
                    "Slot %s of %s stands at %s, and the lake has only what was committed up to %s: somebody moved it, or made it again. What lies between is lost to the lake. %s"
                            .formatted(
                                    kind.slot(),
                                    PostgresErrors.name(kind),
                                    lsn(slot.get().confirmed()),
                                    lsn(known.lsn()),
                                    anew()));
        }
    }

    /** As PostgreSQL writes it. */
    static String lsn(long place) {
        return "%X/%X".formatted(place >>> 32, place & 0xffff_ffffL);
    }

    LakeException busy() {
        return new LakeException(
                ErrorCode.SOURCE_UNAVAILABLE,
                "Slot %s of %s is being read by somebody else: by a process of this lake that is ending, or by another lake."
                        .formatted(kind.slot(), PostgresErrors.name(kind)));
    }
}
