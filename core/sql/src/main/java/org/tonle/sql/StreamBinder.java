package org.tonle.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlJoin;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.TypeUtil;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.LakeException;

/** Binds the SELECT of a streaming table, and refuses what can't be run row by row. */
final class StreamBinder {
    private static final TableName OUTPUT = new TableName("tonle", BoundStream.OUTPUT_ALIAS);

    private final Dataset.StreamingTable dataset;
    private final TableResolver resolver;
    private final Position position;

    StreamBinder(Dataset.StreamingTable dataset, TableResolver resolver) {
        this.dataset = dataset;
        this.resolver = resolver;
        this.position = dataset.frame().position();
    }

    BoundStream bind() {
        SqlNode parsed = Language.parseQuery(dataset.frame().select(), position);
        SqlSelect select = checkShape(parsed);
        Binder.Tree tree =
                new Binder(resolver, position, AccessPolicy.ALL, Optional.of(dataset.name()))
                        .tree(select);
        SqlSelect bound = (SqlSelect) tree.node();
        BoundTable input = tree.tables().getFirst();
        if (!input.table().isBronze() && !input.table().isStreaming()) {
            throw SqlErrors.unsupported(
                    position,
                    select.getParserPosition(),
                    input.table().name()
                            + " is no stream; a streaming table reads a bronze table or another"
                            + " streaming table");
        }
        // what an event must be doesn't depend on which columns are asked for
        BoundTable whole =
                new BoundTable(
                        input.table(),
                        input.table().schema().columns().stream()
                                .map(Types.NestedField::name)
                                .toList(),
                        input.table().onRead(),
                        Optional.empty());
        List<SqlNode> columns = new ArrayList<>();
        for (SqlNode item : bound.getSelectList()) {
            columns.add(item.getKind() == SqlKind.AS ? ((SqlCall) item).operand(0) : item);
        }
        return new BoundStream(
                whole,
                java.util.Set.copyOf(Identifiers.columns(bound, input.table().columns())),
                withHidden(tree.schema()),
                dataset.expectations(),
                alias(java.util.Objects.requireNonNull(bound.getFrom())),
                Optional.ofNullable(bound.getWhere()),
                columns,
                conditions(withHidden(tree.schema())));
    }

    private SqlSelect checkShape(SqlNode parsed) {
        if (!(parsed instanceof SqlSelect select)) {
            throw refused(
                    parsed.getParserPosition(),
                    switch (parsed.getKind()) {
                        case ORDER_BY -> "ORDER BY, LIMIT and OFFSET";
                        case UNION, INTERSECT, EXCEPT -> parsed.getKind().sql;
                        default -> parsed.getKind().sql;
                    });
        }
        refuseIf(select.isDistinct(), select, "DISTINCT");
        refuseIf(select.getGroup() != null, select.getGroup(), "GROUP BY");
        refuseIf(select.getHaving() != null, select.getHaving(), "HAVING");
        refuseIf(select.getQualify() != null, select.getQualify(), "QUALIFY");
        refuseIf(!select.getWindowList().isEmpty(), select.getWindowList(), "WINDOW");
        SqlNode from = select.getFrom();
        if (from == null) {
            throw refused(select.getParserPosition(), "a SELECT without FROM");
        }
        refuseIf(from instanceof SqlJoin, from, "a join");
        SqlNode table = from.getKind() == SqlKind.AS ? ((SqlCall) from).operand(0) : from;
        if (table.getKind() == SqlKind.TABLE_REF) {
            table = ((SqlCall) table).operand(0);
        }
        refuseIf(!(table instanceof SqlIdentifier), table, "a subquery");
        checkRows(select, position);
        return select;
    }

    /** Refuses what needs more than one row of the input, or gives another answer each time. */
    static void checkRows(SqlSelect select, Position position) {
        select.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        String name = call.getOperator().getName();
                        refuseIf(call != select && call instanceof SqlSelect, call, "a subquery");
                        refuseIf(call.getKind() == SqlKind.OVER, call, "a window");
                        refuseIf(
                                Vocabulary.isClock(name),
                                call,
                                name + ", which replay would change");
                        refuseIf(
                                call.getOperator().isAggregator() || Vocabulary.isAggregate(name),
                                call,
                                "the aggregate " + name);
                        return super.visit(call);
                    }

                    /** A function without parentheses is a name to the parser. */
                    @Override
                    public @Nullable Void visit(SqlIdentifier name) {
                        String last = name.names.getLast().toUpperCase(Locale.ROOT);
                        refuseIf(
                                name.isSimple()
                                        && !name.isComponentQuoted(0)
                                        && Vocabulary.isClock(last),
                                name,
                                last + ", which replay would change");
                        return null;
                    }

                    private void refuseIf(boolean wrong, SqlNode at, String what) {
                        if (wrong) {
                            throw refused(position, at.getParserPosition(), what);
                        }
                    }
                });
    }

    private void refuseIf(boolean wrong, @Nullable SqlNode at, String what) {
        if (wrong) {
            throw refused(at == null ? SqlParserPos.ZERO : at.getParserPosition(), what);
        }
    }

    private LakeException refused(SqlParserPos pos, String what) {
        return refused(position, pos, what);
    }

    private static LakeException refused(Position position, SqlParserPos pos, String what) {
        return SqlErrors.unsupported(
                position,
                pos,
                "a streaming table can't have "
                        + what
                        + ": each row of its input gives at most one; use a materialized view");
    }

    static String alias(SqlNode from) {
        return from.getKind() == SqlKind.AS
                ? ((SqlIdentifier) ((SqlCall) from).operand(1)).getSimple()
                : ((SqlIdentifier) from).names.getLast();
    }

    private Schema withHidden(Schema visible) {
        List<Types.NestedField> fields = new ArrayList<>();
        int next = visible.columns().size();
        int nested = next + 2;
        for (Types.NestedField column : visible.columns()) {
            // ids of what is nested move up by the two hidden columns
            Type type =
                    column.type().isPrimitiveType()
                            ? column.type()
                            : TypeUtil.assignFreshIds(column.type(), new Ids(nested)::next);
            nested =
                    Math.max(
                            nested,
                            TypeUtil.indexById(
                                            Types.StructType.of(
                                                    Types.NestedField.optional(
                                                            column.fieldId(), "c", type)))
                                    .keySet()
                                    .stream()
                                    .mapToInt(Integer::intValue)
                                    .max()
                                    .orElse(nested));
            fields.add(SqlTypes.field(column.fieldId(), column.isOptional(), column.name(), type));
        }
        fields.add(Types.NestedField.required(next + 1, SqlTable.KEY, Types.StringType.get()));
        fields.add(
                Types.NestedField.required(
                        next + 2, SqlTable.INGEST_TIME, Types.TimestampType.withZone()));
        return new Schema(fields);
    }

    private List<SqlNode> conditions(Schema output) {
        List<SqlNode> parsed = new ArrayList<>();
        for (Dataset.Condition condition : dataset.conditions()) {
            parsed.add(Language.parseExpression(condition.text(), position));
        }
        if (parsed.isEmpty()) {
            return List.of();
        }
        SqlSelect select =
                Language.select(
                        new SqlNodeList(parsed, SqlParserPos.ZERO),
                        new SqlIdentifier(
                                List.of(OUTPUT.namespace(), OUTPUT.name()), SqlParserPos.ZERO),
                        null);
        Binder.Tree tree =
                new Binder(new Output(output), position, AccessPolicy.ALL, Optional.empty())
                        .tree(select);
        for (Types.NestedField field : tree.schema().columns()) {
            if (field.type().typeId() != Type.TypeID.BOOLEAN) {
                Dataset.Condition condition = dataset.conditions().get(field.fieldId() - 1);
                throw SqlErrors.invalid(
                        position,
                        parsed.get(field.fieldId() - 1).getParserPosition(),
                        "expectation "
                                + condition.expectation().name()
                                + " is no condition but of type "
                                + field.type());
            }
        }
        return ((SqlSelect) tree.node())
                .getSelectList().stream()
                        .map(n -> n.getKind() == SqlKind.AS ? ((SqlCall) n).<SqlNode>operand(0) : n)
                        .toList();
    }

    /** The dataset's own columns, as the only table. */
    private record Output(Schema schema) implements TableResolver {
        @Override
        public Optional<SqlTable> table(TableName name) {
            return name.matches(OUTPUT)
                    ? Optional.of(SqlTable.of(OUTPUT, schema))
                    : Optional.empty();
        }

        @Override
        public List<TableName> names() {
            return List.of();
        }
    }

    private static final class Ids {
        private int last;

        Ids(int last) {
            this.last = last;
        }

        int next() {
            return ++last;
        }
    }
}
