package org.tonle.sql;

import java.util.List;
import org.apache.calcite.plan.RelOptCluster;
import org.apache.calcite.plan.volcano.VolcanoPlanner;
import org.apache.calcite.rel.RelNode;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.calcite.rex.RexBuilder;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlSyntax;
import org.apache.calcite.sql.util.SqlShuttle;
import org.apache.calcite.sql2rel.SqlToRelConverter;
import org.apache.calcite.sql2rel.StandardConvertletTable;
import org.jspecify.annotations.Nullable;

/**
 * A bound tree as relational algebra: to check what it does, and to tell where its columns come
 * from. Never printed.
 */
final class Algebra {
    private Algebra() {}

    /** The algebra of a tree over whole tables. The tree stays as it is. */
    static RelNode of(SqlNode tree, List<SqlTable> tables) {
        RelDataTypeFactory types = SqlTypes.factory();
        LakeCatalog catalog =
                new LakeCatalog(
                        tables.stream().map(t -> new LakeCatalog.Seen(t, Access.FULL)).toList(),
                        types,
                        true);
        Binder.Validator validator = new Binder.Validator(catalog, types, Position.QUERY);
        SqlNode copy = java.util.Objects.requireNonNull(tree.accept(new Copy()));
        SqlNode validated = validator.validate(copy);
        SqlToRelConverter converter =
                new SqlToRelConverter(
                        (type, query, schema, view) -> {
                            throw new IllegalStateException("no table is a view of Calcite's");
                        },
                        validator,
                        catalog.reader(),
                        RelOptCluster.create(new VolcanoPlanner(), new RexBuilder(types)),
                        StandardConvertletTable.INSTANCE,
                        SqlToRelConverter.config()
                                .withExpand(false)
                                .withTrimUnusedFields(false)
                                .withInSubQueryThreshold(Integer.MAX_VALUE));
        return converter.convertQuery(validated, false, true).project();
    }

    /** Validation rewrites what it looks at. */
    private static final class Copy extends SqlShuttle {
        @Override
        public @Nullable SqlNode visit(SqlCall call) {
            if (call.getOperator().getSyntax() == SqlSyntax.FUNCTION_ID
                    && call.operandCount() == 0) {
                // CURRENT_DATE: a copy would be refused as CURRENT_DATE()
                return call;
            }
            CallCopyingArgHandler handler = new CallCopyingArgHandler(call, true);
            call.getOperator().acceptCall(this, call, false, handler);
            return handler.result();
        }
    }
}
