package org.tonle.sql;

import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlWriter;
import org.apache.calcite.sql.parser.SqlParserPos;

/** A table in the FROM of a bound statement: prints as whatever the engine reads it from. */
final class TableNode extends SqlIdentifier {
    private final TableName name;
    private final int ordinal;

    TableNode(TableName name, int ordinal, SqlParserPos pos) {
        super(java.util.List.of(name.namespace(), LakeCatalog.entry(name)), pos);
        this.name = name;
        this.ordinal = ordinal;
    }

    int ordinal() {
        return ordinal;
    }

    @Override
    public SqlIdentifier clone(SqlParserPos pos) {
        return new TableNode(name, ordinal, pos);
    }

    @Override
    public void unparse(SqlWriter writer, int leftPrec, int rightPrec) {
        if (writer instanceof EngineWriter engine) {
            engine.table(ordinal);
        } else {
            super.unparse(writer, leftPrec, rightPrec);
        }
    }
}
