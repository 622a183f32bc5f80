package org.tonle.sql;

import java.util.List;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlWriterConfig;
import org.apache.calcite.sql.pretty.SqlPrettyWriter;

/** Prints a bound tree in an engine's dialect, with the engine's own text for each table. */
final class EngineWriter extends SqlPrettyWriter {
    private final List<String> tables;

    private EngineWriter(SqlDialect dialect, List<String> tables) {
        super(config(dialect));
        this.tables = tables;
    }

    static String print(SqlNode node, SqlDialect dialect, List<String> tables) {
        return BigStack.call(() -> {
            EngineWriter writer = new EngineWriter(dialect, tables);
            node.unparse(writer, 0, 0);
            return writer.toSqlString().getSql();
        });
    }

    void table(int ordinal) {
        literal(tables.get(ordinal));
    }

    private static SqlWriterConfig config(SqlDialect dialect) {
        return SqlPrettyWriter.config()
                .withDialect(dialect)
                .withQuoteAllIdentifiers(true)
                .withAlwaysUseParentheses(true)
                .withIndentation(0)
                .withLineFolding(SqlWriterConfig.LineFolding.WIDE)
                .withClauseStartsLine(false);
    }
}
