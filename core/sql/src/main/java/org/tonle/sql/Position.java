package org.tonle.sql;

import org.apache.calcite.sql.parser.SqlParserPos;

/**
 * Where a statement's text begins, so that an error can say where it is.
 *
 * @param file the file it is from; empty for a query that came through a door
 * @param line of its first character in that file, from 1
 * @param column of its first character in that line, from 1
 */
record Position(String file, int line, int column) {
    static final Position QUERY = new Position("", 1, 1);

    /** The place of a line and column of the statement, both from 1, for the front of a message. */
    String at(int statementLine, int statementColumn) {
        int realLine = line + statementLine - 1;
        int realColumn = statementLine == 1 ? column + statementColumn - 1 : statementColumn;
        return file.isEmpty()
                ? "line " + realLine + ", column " + realColumn + ": "
                : file + ":" + realLine + ":" + realColumn + ": ";
    }

    String at(SqlParserPos pos) {
        return at(Math.max(1, pos.getLineNum()), Math.max(1, pos.getColumnNum()));
    }
}
