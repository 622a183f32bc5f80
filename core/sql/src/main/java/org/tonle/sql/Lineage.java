package org.tonle.sql;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.calcite.plan.hep.HepPlanner;
import org.apache.calcite.plan.hep.HepProgram;
import org.apache.calcite.rel.RelNode;
import org.apache.calcite.rel.RelVisitor;
import org.apache.calcite.rel.core.Aggregate;
import org.apache.calcite.rel.core.Project;
import org.apache.calcite.rel.core.RelFactories;
import org.apache.calcite.rel.core.Sort;
import org.apache.calcite.rel.metadata.RelColumnOrigin;
import org.apache.calcite.rel.metadata.RelMetadataQuery;
import org.apache.calcite.rel.rules.CoreRules;
import org.apache.calcite.rex.RexInputRef;
import org.apache.calcite.rex.RexNode;
import org.apache.calcite.rex.RexShuttle;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql2rel.RelDecorrelator;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.LineageEdge;

/**
 * Where the columns of a dataset come from, by what its SELECT means rather than by what it says.
 * An edge with a column says that its values are made of the input's; one without, that the input's
 * column decides which rows there are or how they are grouped and ordered, and that no value is
 * made of it. Where algebra can't tell, every column is said to come from every column that is
 * named.
 */
public final class Lineage {
    /** Origins are asked of joins, and not found in a subquery. */
    private static final HepProgram WITHOUT_SUBQUERIES =
            HepProgram.builder()
                    .addRuleCollection(
                            List.of(
                                    CoreRules.FILTER_SUB_QUERY_TO_CORRELATE,
                                    CoreRules.PROJECT_SUB_QUERY_TO_CORRELATE,
                                    CoreRules.JOIN_SUB_QUERY_TO_CORRELATE))
                    .build();

    private Lineage() {}

    /** The edges of a materialized view. */
    public static List<LineageEdge> of(BoundQuery view) {
        return BigStack.call(() -> {
            List<SqlTable> tables =
                    view.tables().stream().map(BoundTable::table).distinct().toList();
            try {
                return new Walk(
                                Algebra.of(view.tree(), tables),
                                tables,
                                view.schema().columns().stream()
                                        .map(Types.NestedField::name)
                                        .toList())
                        .edges();
            } catch (RuntimeException e) {
                // a construct that the converter doesn't know: more is said than holds
                return everything(view, tables);
            }
        });
    }

    /** The edges of a streaming table. */
    public static List<LineageEdge> of(BoundStream stream) {
        SqlTable input = stream.input().table();
        Set<LineageEdge> edges = new LinkedHashSet<>();
        Set<String> values = new LinkedHashSet<>();
        List<SqlNode> columns = stream.columns();
        for (int i = 0; i < columns.size(); i++) {
            String column = stream.schema().columns().get(i).name();
            for (String used : Identifiers.columns(columns.get(i), input.columns())) {
                edges.add(new LineageEdge(Optional.of(column), input.name().toString(), used));
                values.add(used);
            }
        }
        stream.where().stream()
                .flatMap(where -> Identifiers.columns(where, input.columns()).stream())
                .filter(used -> !values.contains(used))
                .forEach(used ->
                        edges.add(
                                new LineageEdge(Optional.empty(), input.name().toString(), used)));
        return List.copyOf(edges);
    }

    /**
     * The edges of a change table: what says which rows there are (its order, deletes) decides, as
     * a condition does. Of one that keeps history what orders the changes is also when they hold.
     */
    public static List<LineageEdge> of(BoundChanges changes) {
        Set<String> own = Set.copyOf(changes.columns());
        List<LineageEdge> edges = new ArrayList<>();
        Set<LineageEdge> deciding = new LinkedHashSet<>();
        Set<String> values = new LinkedHashSet<>();
        for (LineageEdge edge : of(changes.stream())) {
            if (edge.column().filter(own::contains).isPresent()) {
                edges.add(edge);
                values.add(edge.inputColumn());
            } else if (changes.history()
                    && edge.column().filter(BoundChanges.SEQUENCE::equals).isPresent()) {
                for (String held : List.of(BoundChanges.START, BoundChanges.END)) {
                    edges.add(
                            new LineageEdge(
                                    Optional.of(held), edge.inputTable(), edge.inputColumn()));
                }
                values.add(edge.inputColumn());
            } else {
                deciding.add(
                        new LineageEdge(Optional.empty(), edge.inputTable(), edge.inputColumn()));
            }
        }
        deciding.stream().filter(edge -> !values.contains(edge.inputColumn())).forEach(edges::add);
        return List.copyOf(edges);
    }

    private static List<LineageEdge> everything(BoundQuery view, List<SqlTable> tables) {
        List<LineageEdge> edges = new ArrayList<>();
        for (SqlTable table : tables) {
            for (String used : Identifiers.columns(view.tree(), table.columns())) {
                for (Types.NestedField column : view.schema().columns()) {
                    edges.add(
                            new LineageEdge(
                                    Optional.of(column.name()),
                                    table.name().current().toString(),
                                    used));
                }
            }
        }
        return edges;
    }

    /** A column of a table that a statement reads. */
    private record Source(String table, String column) {}

    /** One statement's algebra. */
    private static final class Walk {
        private final RelNode root;
        private final List<SqlTable> tables;
        private final List<String> names;
        private final RelMetadataQuery metadata;

        Walk(RelNode converted, List<SqlTable> tables, List<String> names) {
            HepPlanner planner = new HepPlanner(WITHOUT_SUBQUERIES);
            planner.setRoot(converted);
            this.root =
                    RelDecorrelator.decorrelateQuery(
                            planner.findBestExp(),
                            RelFactories.LOGICAL_BUILDER.create(converted.getCluster(), null));
            this.tables = tables;
            this.names = names;
            this.metadata = root.getCluster().getMetadataQuery();
        }

        List<LineageEdge> edges() {
            List<LineageEdge> edges = new ArrayList<>();
            Set<Source> values = new LinkedHashSet<>();
            for (int i = 0; i < names.size(); i++) {
                for (Source source : origins(root, i)) {
                    values.add(source);
                    edges.add(
                            new LineageEdge(
                                    Optional.of(names.get(i)), source.table(), source.column()));
                }
            }
            Set<Source> deciding = deciding();
            deciding.removeAll(values);
            deciding.forEach(source ->
                    edges.add(new LineageEdge(Optional.empty(), source.table(), source.column())));
            return edges;
        }

        private Set<Source> deciding() {
            Set<Source> found = new LinkedHashSet<>();
            new RelVisitor() {
                @Override
                public void visit(RelNode node, int ordinal, @Nullable RelNode parent) {
                    for (int field : fields(node)) {
                        found.addAll(inputOrigins(node, field));
                    }
                    super.visit(node, ordinal, parent);
                }
            }.go(root);
            return found;
        }

        /** The fields of its inputs, counted through, by which a node decides about rows. */
        private static Collection<Integer> fields(RelNode node) {
            Set<Integer> fields = new LinkedHashSet<>();
            switch (node) {
                case Project project -> {}
                case Aggregate aggregate -> {
                    aggregate.getGroupSet().forEach(fields::add);
                    aggregate
                            .getAggCallList()
                            .forEach(call -> {
                                if (call.filterArg >= 0) {
                                    fields.add(call.filterArg);
                                }
                            });
                }
                case Sort sort ->
                        sort.getCollation()
                                .getFieldCollations()
                                .forEach(key -> fields.add(key.getFieldIndex()));
                default -> {
                    var unused =
                            node.accept(
                                    new RexShuttle() {
                                        @Override
                                        public RexNode visitInputRef(RexInputRef reference) {
                                            fields.add(reference.getIndex());
                                            return reference;
                                        }
                                    });
                }
            }
            return fields;
        }

        private Set<Source> inputOrigins(RelNode node, int field) {
            int index = field;
            for (RelNode input : node.getInputs()) {
                int count = input.getRowType().getFieldCount();
                if (index < count) {
                    return origins(input, index);
                }
                index -= count;
            }
            return Set.of();
        }

        private Set<Source> origins(RelNode node, int column) {
            Set<RelColumnOrigin> origins = metadata.getColumnOrigins(node, column);
            if (origins == null) {
                throw new IllegalStateException("nobody knows where it comes from");
            }
            Set<Source> sources = new LinkedHashSet<>();
            for (RelColumnOrigin origin : origins) {
                List<String> name = origin.getOriginTable().getQualifiedName();
                SqlTable table =
                        tables.stream()
                                .filter(t ->
                                        name.equals(
                                                List.of(
                                                        t.name().namespace(),
                                                        LakeCatalog.entry(t.name()))))
                                .findFirst()
                                .orElseThrow();
                // hidden columns stand behind those that are listed
                sources.add(
                        new Source(
                                table.name().current().toString(),
                                LakeCatalog.ordered(table)
                                        .get(origin.getOriginColumnOrdinal())
                                        .name()));
            }
            return sources;
        }
    }
}
