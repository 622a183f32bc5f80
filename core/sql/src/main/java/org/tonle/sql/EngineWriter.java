package org.tonle.sql;

import java.util.ArrayList;
import java.util.List;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlWriterConfig;
import org.apache.calcite.sql.pretty.SqlPrettyWriter;

/** Prints a bound tree in an engine's dialect, with the engine's own text for each table. */
final class EngineWriter extends SqlPrettyWriter {
    /** Holds a table's place while the rest is printed. */
    private static final String TABLE = "()";

    private final List<Integer> tables = new ArrayList<>();
    private final List<Integer> ends = new ArrayList<>();

    private EngineWriter(SqlDialect dialect) {
        super(config(dialect));
    }

    /**
     * A printed tree without its tables, which are other ones in another state.
     *
     * @param pieces what stands before, between and behind the tables
     * @param tables the ordinal of each
     */
    record Printed(SqlDialect dialect, List<String> pieces, List<Integer> tables) {
        Printed {
            pieces = List.copyOf(pieces);
            tables = List.copyOf(tables);
        }

        /** The whole text. */
        String with(List<String> fragments) {
            StringBuilder text = new StringBuilder(pieces.getFirst());
            for (int i = 0; i < tables.size(); i++) {
                text.append(fragments.get(tables.get(i))).append(pieces.get(i + 1));
            }
            return text.toString();
        }
    }

    static Printed print(SqlNode node, SqlDialect dialect) {
        return BigStack.call(() -> {
            EngineWriter writer = new EngineWriter(dialect);
            node.unparse(writer, 0, 0);
            String text = writer.toSqlString().getSql();
            List<String> pieces = new ArrayList<>();
            int from = 0;
            for (int end : writer.ends) {
                pieces.add(text.substring(from, end - TABLE.length()));
                from = end;
            }
            pieces.add(text.substring(from));
            return new Printed(dialect, pieces, writer.tables);
        });
    }

    void table(int ordinal) {
        literal(TABLE);
        tables.add(ordinal);
        ends.add(toString().length());
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
