package org.tonle.sql;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.tonle.definition.PolicyDefinition.ColumnMask;
import org.tonle.definition.Problem;
import org.tonle.spi.Principal;
import org.tonle.sql.ColumnGraph.Column;

/**
 * Asks of each mask whether what it hides can be read elsewhere by those whom it hides it from:
 * where the column comes from, where it went, and in what else is made of the same columns.
 */
final class MaskCheck {
    private final Policies policies;
    private final ColumnGraph graph;

    MaskCheck(Policies policies, ColumnGraph graph) {
        this.policies = policies;
        this.graph = graph;
    }

    /** One for each mask of which that is so. */
    List<Problem> warnings(List<ColumnMask> masks) {
        List<Problem> warnings = new ArrayList<>();
        for (ColumnMask mask : masks) {
            Column column =
                    new Column(new TableName(mask.namespace(), mask.table()), mask.column());
            Map<Set<Column>, List<String>> readers = new LinkedHashMap<>();
            Set<Column> related = related(column);
            for (String role : policies.roles()) {
                Principal reader = new Principal(role, Set.of(role), Map.of());
                if (!isMasked(reader, column)) {
                    continue;
                }
                Set<Column> read =
                        related.stream()
                                .filter(other -> reads(reader, other) && !isMasked(reader, other))
                                .collect(Collectors.toCollection(LinkedHashSet::new));
                if (!read.isEmpty()) {
                    readers.computeIfAbsent(read, r -> new ArrayList<>()).add(role);
                }
            }
            if (!readers.isEmpty()) {
                warnings.add(
                        new Problem(
                                mask.place(),
                                column.toString(),
                                "is masked, and stays readable without the mask: by "
                                        + readers.entrySet().stream()
                                                .map(entry ->
                                                        String.join(", ", entry.getValue())
                                                                + " in "
                                                                + names(entry.getKey()))
                                                .collect(Collectors.joining("; by "))
                                        + ". Mask these too, or don't grant them; or let the role"
                                        + " see the column, by except"));
            }
        }
        return warnings;
    }

    private static String names(Set<Column> columns) {
        return columns.stream().map(Column::toString).sorted().collect(Collectors.joining(", "));
    }

    /** Whatever holds something of the column's values. */
    private Set<Column> related(Column column) {
        Set<Column> related = new LinkedHashSet<>(graph.upstream(List.of(column)));
        // all columns of a source are made of its payload: that doesn't make them the same
        List<Column> whole = related.stream().filter(MaskCheck::isWhole).toList();
        related.removeAll(whole);
        related.addAll(graph.downstream(related));
        related.addAll(whole);
        graph.downstream(whole).stream().filter(MaskCheck::isWhole).forEach(related::add);
        related.addAll(graph.downstream(List.of(column)));
        related.remove(column);
        related.removeIf(other -> SqlTable.isHidden(other.name()));
        return related;
    }

    /** Whether it holds whole events. */
    private static boolean isWhole(Column column) {
        return column.name().equalsIgnoreCase("payload");
    }

    private boolean reads(Principal reader, Column column) {
        return policies.grants(reader, column.table()).stream()
                .anyMatch(granted ->
                        granted.column().map(column.name()::equalsIgnoreCase).orElse(true));
    }

    private boolean isMasked(Principal reader, Column column) {
        return policies.masks(reader, column.table()).stream()
                .anyMatch(mask -> mask.column().equalsIgnoreCase(column.name()));
    }
}
