package org.tonle.query;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Where a column comes from, and what comes of it, as trees. What occurs at several places goes on
 * at the first of them only.
 *
 * @param column {@code namespace.table.column}, in its own case
 */
public record ColumnLineage(String column, List<Step> upstream, List<Step> downstream) {
    /** How one depends on the other. */
    public enum Via {
        /** A value is made of the other. */
        VALUE,
        /** The column decides which rows a dataset has, or how they are grouped and ordered. */
        ROWS
    }

    /**
     * A column; or a dataset, where only its rows depend.
     *
     * @param further its own steps in the same direction
     */
    public record Step(String column, Via via, List<Step> further) {
        public Step {
            further = List.copyOf(further);
        }
    }

    public ColumnLineage {
        upstream = List.copyOf(upstream);
        downstream = List.copyOf(downstream);
    }

    /** Runs a SELECT of texts for whoever asks. */
    @FunctionalInterface
    public interface Rows {
        /** All rows. */
        List<@Nullable String[]> of(String select);
    }

    /**
     * Looks a column up in what {@code rows} shows.
     *
     * @throws LakeException NOT_FOUND if there is no such column to be seen
     */
    public static ColumnLineage of(String column, Rows rows) {
        List<@Nullable String[]> found =
                rows.of(
                        "SELECT name FROM (SELECT table_schema || '.' || table_name || '.' ||"
                                + " column_name AS name FROM information_schema.columns) AS c"
                                + " WHERE LOWER(name) = LOWER('"
                                + column.replace("'", "''")
                                + "')");
        if (found.isEmpty()) {
            throw new LakeException(
                    ErrorCode.NOT_FOUND,
                    "There is no column "
                            + column
                            + "; write namespace.table.column, and see DESCRIBE namespace.table");
        }
        String name = String.valueOf(found.getFirst()[0]);
        List<Edge> edges =
                rows
                        .of(
                                "SELECT dataset, column_name, input_table, input_column FROM"
                                        + " system.lineage")
                        .stream()
                        .map(row -> new Edge(String.valueOf(row[0]), row[1], row[2] + "." + row[3]))
                        .toList();
        return new ColumnLineage(
                name,
                upstream(name, edges, new HashSet<>(Set.of(key(name)))),
                downstream(name, edges, new HashSet<>(Set.of(key(name)))));
    }

    /** That a dataset, or one of its columns, depends on an input. */
    private record Edge(String dataset, @Nullable String column, String input) {
        String target() {
            return column == null ? dataset : dataset + "." + column;
        }
    }

    private static List<Step> upstream(String name, List<Edge> edges, Set<String> seen) {
        List<Step> steps = new ArrayList<>();
        for (Edge edge : edges) {
            if (key(edge.target()).equals(key(name))) {
                boolean first = seen.add(key(edge.input()));
                steps.add(
                        new Step(
                                edge.input(),
                                Via.VALUE,
                                first ? upstream(edge.input(), edges, seen) : List.of()));
            } else if (edge.column() == null
                    && key(name).startsWith(key(edge.dataset()) + ".")
                    && key(name).lastIndexOf('.') == edge.dataset().length()) {
                steps.add(new Step(edge.input(), Via.ROWS, List.of()));
            }
        }
        return steps;
    }

    private static List<Step> downstream(String name, List<Edge> edges, Set<String> seen) {
        List<Step> steps = new ArrayList<>();
        for (Edge edge : edges) {
            if (key(edge.input()).equals(key(name))) {
                boolean further = edge.column() != null && seen.add(key(edge.target()));
                steps.add(
                        new Step(
                                edge.target(),
                                edge.column() == null ? Via.ROWS : Via.VALUE,
                                further ? downstream(edge.target(), edges, seen) : List.of()));
            }
        }
        return steps;
    }

    private static String key(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
