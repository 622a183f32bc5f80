package org.tonle.sql;

import org.apache.calcite.sql.parser.SqlParserPos;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.Place;
import org.tonle.spi.ErrorCode;

/**
 * Where a statement's text begins, so that an error can say where it is.
 *
 * @param file the file it is from; empty for a query that came through a door
 * @param line of its first character in that file, from 1
 * @param column of its first character in that line, from 1
 */
record Position(String file, int line, int column) {
    static final Position QUERY = new Position("", 1, 1);

    static Position of(Place place) {
        return new Position(place.file(), place.line(), place.column());
    }

    SqlProblem problem(ErrorCode code, SqlParserPos pos, String message) {
        return problem(code, pos.getLineNum(), pos.getColumnNum(), message, null);
    }

    /** An error at a line and column of the statement, both from 1; less is its beginning. */
    SqlProblem problem(
            ErrorCode code,
            int statementLine,
            int statementColumn,
            String message,
            @Nullable Throwable cause) {
        int fromLine = Math.max(1, statementLine);
        int fromColumn = Math.max(1, statementColumn);
        return new SqlProblem(
                code,
                file,
                line + fromLine - 1,
                fromLine == 1 ? column + fromColumn - 1 : fromColumn,
                message,
                cause);
    }
}
