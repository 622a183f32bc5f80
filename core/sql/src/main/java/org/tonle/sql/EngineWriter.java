package org.tonle.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlWriterConfig;
import org.apache.calcite.sql.pretty.SqlPrettyWriter;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Prints a bound tree in an engine's dialect, with the engine's own text for each table. */
final class EngineWriter extends SqlPrettyWriter {
    /** Holds a table's place while the rest is printed. */
    private static final String TABLE = "()";

    /** In characters. A statement that comes is a million at most. */
    private static final int LONGEST = 4 << 20;

    private int length;
    private final List<Integer> tables = new ArrayList<>();
    private final List<Integer> ends = new ArrayList<>();

    private final Optional<Position> position;

    private EngineWriter(SqlDialect dialect, Optional<Position> position) {
        super(config(dialect));
        this.position = position;
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

    /** {@code position} is that of the text that the tree was read from. */
    static Printed print(SqlNode node, SqlDialect dialect, Optional<Position> position) {
        return BigStack.call(() -> {
            EngineWriter writer = new EngineWriter(dialect, position);
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

    /** An error about a call, with the call's place if it has none yet. */
    LakeException placed(LakeException error, SqlCall call) {
        return error instanceof SqlProblem || position.isEmpty()
                ? error
                : position.get()
                        .problem(
                                error.code(),
                                call.getParserPosition(),
                                String.valueOf(error.getMessage()));
    }

    @Override
    public void literal(String text) {
        count(text);
        super.literal(text);
    }

    @Override
    public void keyword(String text) {
        count(text);
        super.keyword(text);
    }

    @Override
    public void identifier(String name, boolean quoted) {
        count(name);
        super.identifier(name, quoted);
    }

    /**
     * What an engine says only by repeating an operand grows beyond all bounds when it is nested.
     */
    private void count(String text) {
        length += text.length();
        if (length > LONGEST) {
            throw new LakeException(
                    ErrorCode.UNSUPPORTED_SQL,
                    "The statement becomes too long for the engine; nest its functions less, or"
                            + " split it with WITH");
        }
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
