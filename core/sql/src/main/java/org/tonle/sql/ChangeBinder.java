package org.tonle.sql;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.apache.calcite.sql.SqlBasicCall;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.tonle.definition.JsonPath;
import org.tonle.spi.LakeException;

/** Binds the clauses of {@code AUTO CDC INTO}. */
final class ChangeBinder {
    /** What orders; neither a yes and no nor something that has parts. */
    private static final Set<Type.TypeID> ORDERED =
            Set.of(
                    Type.TypeID.INTEGER,
                    Type.TypeID.LONG,
                    Type.TypeID.DECIMAL,
                    Type.TypeID.DOUBLE,
                    Type.TypeID.STRING,
                    Type.TypeID.DATE,
                    Type.TypeID.TIMESTAMP);

    /** What events of a database's table say of themselves, beside the columns of the row. */
    private static final String OP = "_op";

    private static final String CHANGE_SEQUENCE = "_seq";
    private static final String CHANGED_AT = "_at";
    private static final String UNCHANGED = "_unchanged";
    private static final Set<String> NAMES = Set.of(OP, CHANGE_SEQUENCE, CHANGED_AT, UNCHANGED);

    /** Where the row is in such an event. */
    private static final JsonPath.Step ROW = new JsonPath.Field("row");

    private static final SqlParserPos ZERO = SqlParserPos.ZERO;

    private final Dataset.ChangeTable dataset;
    private final Dataset.Changes clauses;
    private final TableResolver resolver;
    private final Position position;

    ChangeBinder(Dataset.ChangeTable dataset, TableResolver resolver) {
        this.dataset = dataset;
        this.clauses = dataset.changes();
        this.resolver = resolver;
        this.position = dataset.frame().position();
    }

    BoundChanges bind() {
        TableName read = dataset.reads().getFirst();
        Optional<SqlTable> found = resolver.table(read);
        if (found.isEmpty()) {
            // says what there is instead
            var unused = tree(select(List.of(SqlLiteral.createExactNumeric("1", ZERO)), read));
        }
        SqlTable table = found.orElseThrow();
        List<String> columns = columns(table);
        boolean ofDatabase = holdsChanges(table);
        List<SqlNode> items = new ArrayList<>();
        columns.forEach(column -> items.add(identifier(column)));
        items.add(named(sequence(ofDatabase), BoundChanges.SEQUENCE));
        items.add(named(condition(clauses.delete(), ofDatabase, "d"), BoundChanges.DELETE));
        items.add(named(condition(clauses.truncate(), ofDatabase, "t"), BoundChanges.TRUNCATE));
        items.add(
                named(
                        ofDatabase ? identifier(UNCHANGED) : expression("CAST(NULL AS VARCHAR)"),
                        BoundChanges.UNCHANGED));
        SqlSelect select = select(items, read);
        StreamBinder.checkRows(select, position);
        Binder.Tree tree = tree(select);
        BoundTable input = tree.tables().getFirst();
        if (!input.table().isBronze() && !input.table().isStreaming()) {
            throw problem(
                    input.table().name()
                            + " is no stream; AUTO CDC reads a bronze table or a streaming table");
        }
        check(tree.schema());
        return new BoundChanges(
                stream((SqlSelect) tree.node(), input, tree.schema()),
                schema(tree.schema(), columns),
                deleted(tree.schema()),
                keys(columns),
                columns.stream().map(column -> outside(table, column)).toList(),
                clauses.history());
    }

    /** The field of the row outside that a column, or a part of it, is read from. */
    private static String outside(SqlTable input, String column) {
        return input.onRead().stream()
                .filter(read -> read.name().equals(column))
                .map(read -> read.path().steps())
                .map(steps ->
                        steps.size() > 1 && steps.getFirst().equals(ROW)
                                ? steps.get(1)
                                : steps.getFirst())
                .map(step -> step instanceof JsonPath.Field field ? field.name() : column)
                .findFirst()
                .orElse(column);
    }

    private static SqlSelect select(List<SqlNode> items, TableName from) {
        return Language.select(
                new SqlNodeList(items, ZERO),
                new SqlIdentifier(List.of(from.namespace(), from.name()), ZERO),
                null);
    }

    private Binder.Tree tree(SqlSelect select) {
        return new Binder(resolver, position, AccessPolicy.ALL, Optional.empty()).tree(select);
    }

    /** Whether its rows say themselves what kind of change they are, and in which order. */
    private static boolean holdsChanges(SqlTable table) {
        Set<String> onRead = new LinkedHashSet<>();
        table.onRead().forEach(column -> onRead.add(column.name()));
        return onRead.containsAll(NAMES);
    }

    private List<String> columns(SqlTable input) {
        List<String> all =
                input.isBronze()
                        ? input.onRead().stream().map(ReadColumn::name).toList()
                        : input.schema().columns().stream()
                                .map(Types.NestedField::name)
                                .filter(name -> !SqlTable.isHidden(name))
                                .toList();
        List<String> own =
                holdsChanges(input)
                        ? all.stream().filter(name -> !NAMES.contains(name)).toList()
                        : all;
        List<String> listed = clauses.columns().stream().map(name -> find(name, all)).toList();
        List<String> columns =
                clauses.except()
                        ? own.stream().filter(name -> !listed.contains(name)).toList()
                        : listed;
        if (columns.isEmpty()) {
            throw problem(
                    "%s has no columns for %s; declare them in the file of its source, under columns:"
                            .formatted(input.name(), dataset.name()));
        }
        Set<String> seen = new LinkedHashSet<>();
        for (String column : columns) {
            String lower = column.toLowerCase(Locale.ROOT);
            if (!seen.add(lower)) {
                throw problem("column " + column + " is named twice");
            }
            if (SqlTable.isOwn(column)
                    || lower.equals(BoundChanges.START)
                    || lower.equals(BoundChanges.END)) {
                throw problem(
                        "a column of %s can't be called %s: Tonle uses it"
                                .formatted(dataset.name(), column));
            }
        }
        return columns;
    }

    private String find(String name, List<String> columns) {
        return columns.stream()
                .filter(name::equalsIgnoreCase)
                .findFirst()
                .orElseThrow(() ->
                        problem(
                                "%s has no column %s; it has %s"
                                        .formatted(
                                                dataset.reads().getFirst(),
                                                name,
                                                String.join(", ", columns))));
    }

    private List<String> keys(List<String> columns) {
        List<String> keys = clauses.keys().stream().map(key -> find(key, columns)).toList();
        if (Set.copyOf(keys).size() < keys.size()) {
            throw problem("a column is named twice in KEYS");
        }
        return keys;
    }

    private SqlNode sequence(boolean ofDatabase) {
        if (clauses.sequence().isEmpty() && !ofDatabase) {
            throw problem(
                    "SEQUENCE BY is missing: say what orders the changes of a key, such as SEQUENCE BY"
                            + " updated_at");
        }
        return clauses.sequence()
                .map(this::expression)
                .orElseGet(() -> identifier(CHANGE_SEQUENCE));
    }

    /** What a database deletes is deleted whatever else is. */
    private SqlNode condition(Optional<String> clause, boolean ofDatabase, String op) {
        SqlNode known = expression(ofDatabase ? "\"" + OP + "\" = '" + op + "'" : "FALSE");
        return clause.map(this::expression)
                .map(own ->
                        ofDatabase
                                ? SqlStdOperatorTable.OR.createCall(
                                        own.getParserPosition(), known, own)
                                : own)
                .orElse(known);
    }

    private SqlNode expression(String text) {
        return Language.parseExpression(text, position);
    }

    private static SqlNode identifier(String column) {
        return new SqlIdentifier(column, ZERO);
    }

    private static SqlNode named(SqlNode node, String name) {
        return new SqlBasicCall(
                SqlStdOperatorTable.AS, List.of(node, identifier(name)), node.getParserPosition());
    }

    private void check(Schema schema) {
        Type sequence = schema.findType(BoundChanges.SEQUENCE);
        if (!ORDERED.contains(sequence.typeId())) {
            throw problem(
                    "SEQUENCE BY is of type "
                            + sequence
                            + "; a number, a time or a text puts changes in order");
        }
        for (String condition : List.of(BoundChanges.DELETE, BoundChanges.TRUNCATE)) {
            Type type = schema.findType(condition);
            if (type.typeId() != Type.TypeID.BOOLEAN) {
                throw problem(
                        "what stands behind APPLY AS "
                                + (condition.equals(BoundChanges.DELETE) ? "DELETE" : "TRUNCATE")
                                + " WHEN is no condition but of type "
                                + type);
            }
        }
    }

    private static BoundStream stream(SqlSelect bound, BoundTable input, Schema schema) {
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
                Set.copyOf(Identifiers.columns(bound, input.table().columns())),
                schema,
                List.of(),
                StreamBinder.alias(java.util.Objects.requireNonNull(bound.getFrom())),
                Optional.empty(),
                columns,
                List.of());
    }

    /** Keys are never NULL: what has none is refused. */
    private Schema schema(Schema events, List<String> columns) {
        List<String> keys = keys(columns);
        List<Types.NestedField> fields = new ArrayList<>();
        for (String column : columns) {
            Types.NestedField field = events.caseInsensitiveFindField(column);
            fields.add(
                    SqlTypes.field(
                            fields.size() + 1, !keys.contains(column), column, field.type()));
        }
        Type sequence = events.findType(BoundChanges.SEQUENCE);
        if (clauses.history()) {
            fields.add(Types.NestedField.required(fields.size() + 1, BoundChanges.START, sequence));
            fields.add(Types.NestedField.optional(fields.size() + 1, BoundChanges.END, sequence));
        } else {
            fields.add(Types.NestedField.required(fields.size() + 1, SqlTable.SEQUENCE, sequence));
        }
        return new Schema(fields);
    }

    private Schema deleted(Schema events) {
        List<Types.NestedField> fields = new ArrayList<>();
        for (String key : clauses.keys()) {
            Types.NestedField field = events.caseInsensitiveFindField(key);
            fields.add(Types.NestedField.optional(fields.size() + 1, field.name(), field.type()));
        }
        fields.add(
                Types.NestedField.required(
                        fields.size() + 1,
                        SqlTable.SEQUENCE,
                        events.findType(BoundChanges.SEQUENCE)));
        return new Schema(fields);
    }

    private LakeException problem(String message) {
        return SqlErrors.invalid(position, ZERO, message);
    }
}
