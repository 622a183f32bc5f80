package org.tonle.sql;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.LineageEdge;

/** Which columns of a lake's tables are made of which, as its definitions say. */
final class ColumnGraph {
    private final Map<Column, Set<Column>> into = new LinkedHashMap<>();
    private final Map<Column, Set<Column>> from = new LinkedHashMap<>();
    private final Map<Column, Set<TableName>> rows = new LinkedHashMap<>();

    /** A column; two of the same name in another case are the same. */
    record Column(TableName table, String name) {
        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Column that
                    && table.matches(that.table)
                    && name.equalsIgnoreCase(that.name);
        }

        @Override
        public int hashCode() {
            return toString().toLowerCase(Locale.ROOT).hashCode();
        }

        @Override
        public String toString() {
            return table + "." + name;
        }
    }

    /**
     * All columns of a lake that was checked. What a table of events or of refused ones holds as a
     * whole holds every column that is read of it.
     */
    static ColumnGraph of(Pipelines pipelines) {
        ColumnGraph graph = new ColumnGraph();
        Tables tables = new Tables(pipelines.tables());
        for (SqlTable table : pipelines.tables()) {
            if (table.isBronze()) {
                Column payload = new Column(table.name(), "payload");
                table.onRead().forEach(c -> graph.add(new Column(table.name(), c.name()), payload));
                graph.add(new Column(table.name(), "event_id"), payload);
                graph.add(new Column(table.name(), "event_time"), payload);
            }
        }
        for (Pipelines.Planned planned : pipelines.datasets()) {
            TableName name = planned.dataset().name();
            switch (planned.dataset()) {
                case Dataset.StreamingTable stream -> {
                    BoundStream bound = Sql.stream(stream, tables);
                    graph.add(name, Lineage.of(bound));
                    graph.addRefused(name, bound.input().table());
                }
                case Dataset.ChangeTable changed -> {
                    BoundChanges bound = Sql.changes(changed, tables);
                    graph.add(name, Lineage.of(bound));
                    graph.addRefused(name, bound.stream().input().table());
                    TableName deleted = Pipelines.deleted(name);
                    bound.deleted().columns().stream()
                            .filter(key -> bound.keys().contains(key.name()))
                            .forEach(key ->
                                    graph.add(
                                            new Column(deleted, key.name()),
                                            new Column(name, key.name())));
                }
                case Dataset.MaterializedView view ->
                        graph.add(name, Lineage.of(Sql.view(view, tables)));
            }
        }
        return graph;
    }

    /** What a dataset refuses is kept as it came. */
    private void addRefused(TableName dataset, SqlTable input) {
        TableName refused = Pipelines.quarantine(dataset);
        input.columns()
                .map(column -> new Column(input.name(), column.name()))
                .forEach(column -> {
                    add(new Column(refused, "payload"), column);
                    add(new Column(refused, "message"), column);
                });
    }

    void add(TableName dataset, List<LineageEdge> edges) {
        for (LineageEdge edge : edges) {
            int dot = edge.inputTable().indexOf('.');
            TableName table =
                    new TableName(
                            edge.inputTable().substring(0, dot),
                            edge.inputTable().substring(dot + 1));
            Column input = new Column(table, edge.inputColumn());
            edge.column()
                    .ifPresentOrElse(
                            column -> add(new Column(dataset, column), input),
                            () ->
                                    rows.computeIfAbsent(input, i -> new LinkedHashSet<>())
                                            .add(dataset));
        }
    }

    private void add(Column column, Column input) {
        into.computeIfAbsent(input, i -> new LinkedHashSet<>()).add(column);
        from.computeIfAbsent(column, i -> new LinkedHashSet<>()).add(input);
    }

    /** What is made of some columns, themselves apart. */
    Set<Column> downstream(Collection<Column> columns) {
        return reached(columns, into);
    }

    /** What some columns are made of, themselves apart. */
    Set<Column> upstream(Collection<Column> columns) {
        return reached(columns, from);
    }

    /** The datasets of which some columns decide what rows they have. */
    Set<TableName> rows(Collection<Column> columns) {
        Set<TableName> datasets = new LinkedHashSet<>();
        columns.forEach(column -> datasets.addAll(rows.getOrDefault(column, Set.of())));
        return datasets;
    }

    private static Set<Column> reached(Collection<Column> start, Map<Column, Set<Column>> steps) {
        Set<Column> found = new LinkedHashSet<>();
        Deque<Column> open = new ArrayDeque<>(start);
        while (!open.isEmpty()) {
            for (Column next : steps.getOrDefault(open.pop(), Set.of())) {
                if (found.add(next)) {
                    open.add(next);
                }
            }
        }
        found.removeAll(start);
        return found;
    }

    /** Tables that are known already. */
    private record Tables(List<SqlTable> tables) implements TableResolver {
        @Override
        public Optional<SqlTable> table(TableName name) {
            return tables.stream().filter(table -> table.name().matches(name)).findFirst();
        }

        @Override
        public List<TableName> names() {
            return tables.stream().map(SqlTable::name).toList();
        }
    }
}
