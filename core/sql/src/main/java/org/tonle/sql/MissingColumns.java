package org.tonle.sql;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.tonle.definition.PolicyDefinition;
import org.tonle.definition.SqlText;
import org.tonle.spi.LakeException;
import org.tonle.sql.ColumnGraph.Column;

/**
 * What goes with the columns that a dataset names and that aren't there. It is found by putting
 * them back, in a type with which the statement makes sense, and looking at what is made of them.
 */
final class MissingColumns {
    /** Most columns that are put back into one statement. */
    private static final int MOST = 50;

    /** What nobody calls a column. */
    private static final String NEW = "a column that is to come";

    private static final List<Type> TYPES =
            List.of(
                    Types.StringType.get(),
                    Types.LongType.get(),
                    Types.DoubleType.get(),
                    Types.TimestampType.withoutZone(),
                    Types.DateType.get(),
                    Types.BooleanType.get());

    private final PolicyDefinition policy;

    /** Those that may be downstream, each after those that it reads. */
    private final List<Dataset> datasets;

    MissingColumns(PolicyDefinition policy, List<Dataset> datasets) {
        this.policy = policy;
        this.datasets = List.copyOf(datasets);
    }

    /** A column that isn't there, and the error that says so. */
    private record Missing(Column column, LakeException error) {}

    /** An error of a dataset, and what goes with the column that it is about. */
    record Loss(LakeException error, String also) {}

    /**
     * Every column that a dataset misses.
     *
     * @param first why it can't be bound
     * @return {@code first} alone if it isn't about a column, or if the column's table isn't found
     */
    List<Loss> of(Dataset dataset, LakeException first, TableResolver tables) {
        List<Missing> missing = new ArrayList<>();
        Widened widened = new Widened(tables);
        Optional<LakeException> error = Optional.of(first);
        while (error.isPresent() && missing.size() < MOST) {
            Optional<String> name = SqlErrors.missingColumn(error.get());
            Optional<Column> column =
                    name.flatMap(n -> putBack(dataset, n, widened, table -> true));
            if (column.isEmpty()) {
                break;
            }
            missing.add(new Missing(column.get(), error.get()));
            error = bind(dataset, widened);
        }
        List<Loss> losses = new ArrayList<>();
        if (missing.isEmpty()) {
            losses.add(new Loss(first, ""));
        }
        ColumnGraph graph = error.isEmpty() ? graph(dataset, widened) : new ColumnGraph();
        missing.forEach(m -> losses.add(new Loss(m.error(), also(m.column(), graph))));
        return losses;
    }

    /**
     * What a dataset makes if the columns that it misses are there by the time it runs.
     *
     * @param first why it can't be bound
     * @param which tables may get columns
     * @return empty if it can't be bound all the same
     */
    static Optional<Schema> assumed(
            Dataset dataset,
            LakeException first,
            TableResolver tables,
            Predicate<TableName> which) {
        Widened widened = new Widened(tables);
        Optional<LakeException> error = Optional.of(first);
        for (int i = 0; error.isPresent() && i < MOST; i++) {
            Optional<Column> column =
                    SqlErrors.missingColumn(error.get())
                            .flatMap(name -> putBack(dataset, name, widened, which));
            if (column.isEmpty()) {
                return Optional.empty();
            }
            error = bind(dataset, widened);
        }
        return error.isPresent() ? Optional.empty() : Optional.of(schema(dataset, widened));
    }

    /** Whether a dataset has every column of what it reads, also those that come. */
    static boolean takesAll(Dataset dataset, TableResolver tables, Predicate<TableName> which) {
        Widened widened = new Widened(tables);
        dataset.reads().stream()
                .filter(which)
                .forEach(read -> widened.add(read, NEW, Types.StringType.get()));
        try {
            return schema(dataset, widened).findField(NEW) != null;
        } catch (LakeException e) {
            BigStack.rethrowCancelled(e);
            return false;
        }
    }

    /** Widens a table that the dataset reads so that the column isn't missed any more. */
    private static Optional<Column> putBack(
            Dataset dataset, String name, Widened widened, Predicate<TableName> which) {
        for (TableName read : new LinkedHashSet<>(dataset.reads())) {
            if (!which.test(read)) {
                continue;
            }
            for (Type type : TYPES) {
                Optional<SqlTable> before = widened.table(read);
                if (before.isEmpty()
                        || before.get().columns().anyMatch(c -> c.name().equalsIgnoreCase(name))) {
                    break;
                }
                widened.add(read, name, type);
                Optional<LakeException> error = bind(dataset, widened);
                if (error.isEmpty()
                        || SqlErrors.missingColumn(error.get())
                                .filter(other -> !other.equalsIgnoreCase(name))
                                .isPresent()) {
                    return Optional.of(new Column(before.get().name(), name));
                }
                widened.put(before.get());
            }
        }
        return Optional.empty();
    }

    private static Optional<LakeException> bind(Dataset dataset, TableResolver tables) {
        try {
            var unused = schema(dataset, tables);
            return Optional.empty();
        } catch (LakeException e) {
            BigStack.rethrowCancelled(e);
            return Optional.of(e);
        }
    }

    private static Schema schema(Dataset dataset, TableResolver tables) {
        return switch (dataset) {
            case Dataset.StreamingTable table -> Sql.stream(table, tables).schema();
            case Dataset.ChangeTable table -> Sql.changes(table, tables).schema();
            case Dataset.MaterializedView view -> Sql.view(view, tables).schema();
        };
    }

    /** The lineage of a dataset that can be bound now, and of those downstream that then can. */
    private ColumnGraph graph(Dataset broken, Widened widened) {
        ColumnGraph graph = new ColumnGraph();
        for (Dataset dataset : datasets) {
            boolean reads =
                    dataset.equals(broken) || dataset.reads().stream().anyMatch(widened::isWidened);
            if (reads) {
                // else it is named as a whole: no dataset goes on without those that it reads
                if (bind(dataset, widened).isEmpty()) {
                    graph.add(
                            dataset.name(),
                            switch (dataset) {
                                case Dataset.StreamingTable table ->
                                        Lineage.of(Sql.stream(table, widened));
                                case Dataset.ChangeTable table ->
                                        Lineage.of(Sql.changes(table, widened));
                                case Dataset.MaterializedView view ->
                                        Lineage.of(Sql.view(view, widened));
                            });
                    widened.put(SqlTable.of(dataset.name(), schema(dataset, widened)));
                }
            }
        }
        return graph;
    }

    private String also(Column column, ColumnGraph graph) {
        Set<Column> made = graph.downstream(List.of(column));
        made.removeIf(other -> SqlTable.isHidden(other.name()));
        Set<Column> gone = new LinkedHashSet<>(List.of(column));
        gone.addAll(made);
        List<String> users = new ArrayList<>();
        if (!made.isEmpty()) {
            users.add("goes into " + join(made));
        }
        Set<TableName> rows = graph.rows(gone);
        if (!rows.isEmpty()) {
            users.add("decides the rows of " + join(rows));
        }
        Set<String> named = policies(gone);
        if (!named.isEmpty()) {
            users.add("is used, itself or in what is made of it, by " + join(named));
        }
        return users.isEmpty() ? "" : "; " + column + " " + String.join(", ", users);
    }

    private static String join(Set<?> names) {
        return names.stream().map(Object::toString).collect(Collectors.joining(", "));
    }

    /** What of the policy names one of some columns. */
    private Set<String> policies(Set<Column> gone) {
        Set<String> named = new LinkedHashSet<>();
        for (PolicyDefinition.Role role : policy.roles()) {
            for (PolicyDefinition.Grant grant : role.grants()) {
                if (grant.table().isPresent()
                        && grant.column().isPresent()
                        && gone.contains(
                                column(
                                        grant.namespace(),
                                        grant.table().get(),
                                        grant.column().get().name()))) {
                    named.add("a grant of " + role.name() + " " + grant.column().get().place());
                }
            }
        }
        for (PolicyDefinition.RowFilter filter : policy.rowFilters()) {
            if (uses(filter.condition(), filter.namespace(), filter.table(), gone)) {
                named.add("the row filter " + filter.place());
            }
        }
        for (PolicyDefinition.ColumnMask mask : policy.masks()) {
            if (gone.contains(column(mask.namespace(), mask.table(), mask.column()))
                    || uses(mask.value(), mask.namespace(), mask.table(), gone)) {
                named.add("the mask " + mask.place());
            }
        }
        return named;
    }

    private static Column column(String namespace, String table, String column) {
        return new Column(new TableName(namespace, table), column);
    }

    private static boolean uses(SqlText text, String namespace, String table, Set<Column> gone) {
        try {
            return Identifiers.names(
                            BigStack.call(() ->
                                    Language.parseExpression(
                                            text.text(), Position.of(text.place()))))
                    .stream()
                    .anyMatch(name -> gone.contains(column(namespace, table, name)));
        } catch (LakeException e) {
            BigStack.rethrowCancelled(e);
            // that is a problem of its own, to be told when the statements have none
            return false;
        }
    }

    /** The tables there are, some of them with columns that aren't there. */
    private static final class Widened implements TableResolver {
        private final TableResolver tables;
        private final List<SqlTable> widened = new ArrayList<>();

        Widened(TableResolver tables) {
            this.tables = tables;
        }

        boolean isWidened(TableName name) {
            return widened.stream().anyMatch(table -> table.name().matches(name));
        }

        void put(SqlTable table) {
            widened.removeIf(other -> other.name().matches(table.name()));
            widened.add(table);
        }

        void add(TableName name, String column, Type type) {
            SqlTable table = table(name).orElseThrow();
            List<Types.NestedField> columns = new ArrayList<>(table.schema().columns());
            columns.add(
                    Types.NestedField.optional(table.schema().highestFieldId() + 1, column, type));
            put(
                    new SqlTable(
                            table.name(),
                            new Schema(columns),
                            table.onRead(),
                            table.key(),
                            table.only()));
        }

        @Override
        public Optional<SqlTable> table(TableName name) {
            return widened.stream()
                    .filter(table -> table.name().matches(name))
                    .findFirst()
                    .or(() -> tables.table(name));
        }

        @Override
        public List<TableName> names() {
            return tables.names();
        }
    }
}
