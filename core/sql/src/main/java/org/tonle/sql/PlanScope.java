package org.tonle.sql;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The names that an expression may use, and those around it. */
final class PlanScope {
    private final @Nullable PlanScope outer;
    private final boolean subquery;
    private final Map<String, Shape> tables = new HashMap<>();
    private final Map<String, Shape> with = new HashMap<>();
    private boolean correlated;
    private int inputs;

    /**
     * What a query gives.
     *
     * @param names in lower case, in order
     * @param named its columns by name; of two that share one the worse
     * @param branches of its UNIONs
     */
    record Shape(
            List<String> names,
            List<PlanCost> columns,
            Map<String, PlanCost> named,
            double branches) {
        static final Shape TABLE = of(List.of(), List.of(), 1);

        static Shape of(List<String> names, List<PlanCost> columns, double branches) {
            Map<String, PlanCost> named = new HashMap<>();
            for (int i = 0; i < names.size(); i++) {
                named.merge(names.get(i), columns.get(i), PlanCost::worse);
            }
            return new Shape(names, columns, named, branches);
        }

        PlanCost column(String name) {
            PlanCost found = named.get(name);
            return found == null ? PlanCost.leaf(ValueSize.STORED) : found.named();
        }

        Shape renamed(List<String> others) {
            return others.size() == columns.size() ? of(others, columns, branches) : this;
        }
    }

    /** {@code subquery}: what it finds outside is of another SELECT's row. */
    PlanScope(@Nullable PlanScope outer, boolean subquery) {
        this.outer = outer;
        this.subquery = subquery;
    }

    Optional<Shape> table(String alias) {
        Shape own = tables.get(alias);
        if (own != null || outer == null) {
            return Optional.ofNullable(own);
        }
        Optional<Shape> found = outer.table(alias);
        correlated |= subquery && found.isPresent();
        return found;
    }

    Optional<Shape> with(String name) {
        Shape own = with.get(name);
        return own != null || outer == null ? Optional.ofNullable(own) : outer.with(name);
    }

    /** A table of FROM, by its alias in lower case. */
    void put(String alias, Shape table) {
        tables.put(alias, table);
    }

    /** A name of WITH. */
    void putWith(String name, Shape query) {
        with.put(name, query);
    }

    /** One that doesn't see the tables of this FROM. */
    PlanScope beside() {
        return new PlanScope(outer, false);
    }

    /** Whether something in it looked at the row outside. */
    boolean isCorrelated() {
        return correlated;
    }

    /** Tables and subqueries that its SELECT puts together. */
    int inputs() {
        return inputs;
    }

    void input(int count) {
        inputs += count;
    }
}
