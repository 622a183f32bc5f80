package org.tonle.debezium;

import java.io.IOException;
import java.sql.SQLException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** What PostgreSQL's errors mean for who set the source up. */
final class PostgresErrors {
    private static final Set<String> CREDENTIALS = Set.of("28P01", "28000");
    private static final String FORBIDDEN = "42501";
    private static final String NO_DATABASE = "3D000";
    private static final String UNDEFINED = "42704";
    private static final int DEEPEST = 20;

    private PostgresErrors() {}

    /** As messages call it. */
    static String name(SourceKind.Postgres kind) {
        return "database %s on %s:%d".formatted(kind.database(), kind.host(), kind.port());
    }

    static boolean isForbidden(SQLException e) {
        return FORBIDDEN.equals(e.getSQLState());
    }

    /** The same for what Debezium throws, whose causes say more than it does. */
    static LakeException explain(SourceKind.Postgres kind, Throwable e) {
        SQLException sql = sql(e);
        String state = sql == null || sql.getSQLState() == null ? "" : sql.getSQLState();
        String said = said(e, sql);
        if (CREDENTIALS.contains(state)) {
            return new LakeException(
                    ErrorCode.UNAUTHENTICATED,
                    "%s refuses user %s: %s. Mend its password or pg_hba.conf there, and it goes on by itself; or correct the source's file and start the lake again."
                            .formatted(name(kind), kind.user(), said),
                    e);
        }
        if (state.equals(FORBIDDEN)) {
            return new LakeException(
                    ErrorCode.FORBIDDEN,
                    "%s doesn't allow it to user %s: %s. The user needs REPLICATION, and SELECT on the tables: ALTER ROLE %s REPLICATION. Then it goes on by itself."
                            .formatted(name(kind), kind.user(), said, kind.user()),
                    e);
        }
        if (state.equals(NO_DATABASE)) {
            return new LakeException(
                    ErrorCode.NOT_FOUND,
                    "There is no %s: %s. Correct database: in the source's file."
                            .formatted(name(kind), said),
                    e);
        }
        if (state.equals(UNDEFINED) && said.contains("publication")) {
            return new LakeException(
                    ErrorCode.LOG_GAP,
                    "%s: %s. Where it was dropped the server can't tell the changes that were made before it was there; make it again and write a new slot: into the source's file, which reads the tables anew."
                            .formatted(name(kind), said),
                    e);
        }
        if (sql == null && !isOfTheConnection(e)) {
            return new LakeException(
                    ErrorCode.INTERNAL,
                    "Reading the changes of %s failed: %s. It is tried again; if it stays so, please report it with the lake's log."
                            .formatted(name(kind), said),
                    e);
        }
        return new LakeException(
                ErrorCode.SOURCE_UNAVAILABLE,
                "%s can't be read now: %s".formatted(name(kind), said),
                e);
    }

    private static boolean isOfTheConnection(Throwable e) {
        int depth = 0;
        for (Throwable at = e; at != null && depth < DEEPEST; at = at.getCause(), depth++) {
            if (at instanceof IOException || at instanceof SQLException) {
                return true;
            }
        }
        return false;
    }

    private static @Nullable SQLException sql(Throwable e) {
        int depth = 0;
        for (Throwable at = e; at != null && depth < DEEPEST; at = at.getCause(), depth++) {
            if (at instanceof SQLException sql && sql.getSQLState() != null) {
                return sql;
            }
        }
        return null;
    }

    private static String said(Throwable e, @Nullable SQLException sql) {
        Throwable at = e;
        for (int depth = 0; at.getCause() != null && depth < DEEPEST; depth++) {
            at = at.getCause();
        }
        String text = String.valueOf((sql == null ? at : sql).getMessage());
        return text.replaceAll("\\s+", " ").strip();
    }
}
