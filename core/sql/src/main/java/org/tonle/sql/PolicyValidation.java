package org.tonle.sql;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.Place;
import org.tonle.definition.PolicyDefinition;
import org.tonle.definition.Problem;
import org.tonle.definition.SqlText;
import org.tonle.spi.LakeException;

/**
 * Asks whether a policy fits the tables that it names. A name that fits nothing protects nothing,
 * so it is a problem.
 */
final class PolicyValidation implements TableResolver {
    private static final String SYSTEM = "system";

    private final PolicyDefinition policy;
    private final List<SqlTable> tables;
    private final RelDataTypeFactory types = SqlTypes.factory();
    private final Set<Problem> problems = new LinkedHashSet<>();

    PolicyValidation(PolicyDefinition policy, List<SqlTable> tables) {
        this.policy = policy;
        this.tables = tables;
    }

    List<Problem> problems() {
        policy.tagged()
                .forEach(t ->
                        table(t.namespace(), t.table(), t.place())
                                .ifPresent(table -> column(table, t.column(), t.place())));
        for (PolicyDefinition.Role role : policy.roles()) {
            role.grants().forEach(this::check);
            role.writes().forEach(this::checkWrite);
        }
        for (PolicyDefinition.RowFilter filter : policy.rowFilters()) {
            table(filter.namespace(), filter.table(), filter.place())
                    .ifPresent(table -> bind(table, null, filter.condition()));
        }
        for (PolicyDefinition.ColumnMask mask : policy.masks()) {
            table(mask.namespace(), mask.table(), mask.place())
                    .ifPresent(table ->
                            column(table, mask.column(), mask.place())
                                    .ifPresent(column -> bind(table, column, mask.value())));
        }
        return List.copyOf(problems);
    }

    private void check(PolicyDefinition.Grant grant) {
        if (grant.namespace().equalsIgnoreCase(SYSTEM)) {
            // its tables are no datasets of the folder
            return;
        }
        if (policy.roles().stream()
                .flatMap(role -> role.writes().stream())
                .anyMatch(write -> write.namespace().equalsIgnoreCase(grant.namespace()))) {
            // neither are outside clients', whose columns aren't known here
            grant.column()
                    .ifPresent(column ->
                            problem(
                                    column.place(),
                                    column.name(),
                                    "what outside clients write is read whole; grant the table",
                                    List.of()));
            return;
        }
        if (grant.table().isEmpty()) {
            if (tables.stream()
                    .noneMatch(t -> t.name().namespace().equalsIgnoreCase(grant.namespace()))) {
                problem(
                        grant.place(),
                        grant.namespace(),
                        "the lake has no table in this namespace",
                        tables.stream().map(t -> t.name().namespace()).toList());
            }
            return;
        }
        table(grant.namespace(), grant.table().get(), grant.place())
                .ifPresent(table ->
                        grant.column()
                                .ifPresent(column -> column(table, column.name(), column.place())));
    }

    private void checkWrite(PolicyDefinition.Grant grant) {
        Policies.reserved(grant.namespace(), tables)
                .ifPresent(why -> problem(grant.place(), grant.namespace(), why, List.of()));
    }

    private Optional<SqlTable> table(String namespace, String name, Place place) {
        TableName wanted = new TableName(namespace, name);
        Optional<SqlTable> table = table(wanted);
        if (table.isEmpty()) {
            problem(
                    place,
                    wanted.toString(),
                    "the lake has no such table",
                    tables.stream().map(t -> t.name().toString()).toList());
        }
        return table;
    }

    private Optional<Types.NestedField> column(SqlTable table, String name, Place place) {
        Optional<Types.NestedField> column =
                table.columns().filter(c -> c.name().equalsIgnoreCase(name)).findFirst();
        if (column.isEmpty()) {
            problem(
                    place,
                    name,
                    table.name() + " has no such column",
                    table.columns().map(Types.NestedField::name).toList());
        }
        return column;
    }

    private void bind(SqlTable table, Types.@Nullable NestedField masked, SqlText text) {
        try {
            var unused = Guard.check(table, masked, text, this, types);
        } catch (LakeException e) {
            BigStack.rethrowCancelled(e);
            problems.add(
                    e instanceof SqlProblem at
                            ? new Problem(at.place(), text.text(), at.problem())
                            : new Problem(
                                    text.place(), text.text(), String.valueOf(e.getMessage())));
        }
    }

    private void problem(Place place, String value, String message, List<String> known) {
        problems.add(
                new Problem(
                        place,
                        value,
                        message
                                + SqlErrors.nearest(value, known)
                                        .map(name -> "; did you mean " + name + "?")
                                        .orElse("")));
    }

    @Override
    public Optional<SqlTable> table(TableName name) {
        return tables.stream().filter(table -> table.name().matches(name)).findFirst();
    }

    @Override
    public List<TableName> names() {
        return tables.stream().map(SqlTable::name).toList();
    }
}
