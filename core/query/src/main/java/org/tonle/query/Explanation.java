package org.tonle.query;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.sql.Access;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.BoundTable;
import org.tonle.sql.EnginePlan;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/**
 * How a statement is run, as rows of a part and a text. It tells a principal nothing that an answer
 * wouldn't: no condition of a row filter, no table that only a filter looks at; and the engine's
 * words, which name files and count rows, only to an admin.
 */
final class Explanation {
    /** The rows in order, once the tables of the statement hold them. */
    static final String SELECT =
            "SELECT part, detail FROM information_schema.explanation ORDER BY line_number";

    static final SystemTable EMPTY =
            new SystemTable(
                    "explanation",
                    SystemTable.columns("line_number bigint", "part varchar", "detail varchar"),
                    false,
                    (state, limit) -> List.of());

    private final StatementTables tables;
    private final BoundQuery query;
    private final boolean admin;
    private final List<@Nullable Object[]> rows = new ArrayList<>();

    Explanation(StatementTables tables, BoundQuery query, boolean admin) {
        this.tables = tables;
        this.query = query;
        this.admin = admin;
    }

    /**
     * @param plan asked only if it is shown
     */
    List<@Nullable Object[]> rows(Supplier<EnginePlan> plan) {
        Map<TableName, SqlTable> named = new LinkedHashMap<>();
        for (BoundTable bound : query.tables()) {
            named.putIfAbsent(bound.table().name(), bound.table());
        }
        named.keySet().forEach(name -> add("pin", name + " " + tables.state(name)));
        named.forEach((name, table) -> add("policy", name.current() + ": " + shown(table)));
        query.schema()
                .columns()
                .forEach(column ->
                        add("column", column.name() + " " + InformationSchema.type(column.type())));
        if (admin) {
            EnginePlan engine = plan.get();
            add("engine sql", engine.sql());
            engine.plan().lines().forEach(line -> add("engine plan", line));
        }
        return rows;
    }

    private void add(String part, String detail) {
        rows.add(new @Nullable Object[] {(long) rows.size(), part, detail});
    }

    private String shown(SqlTable table) {
        Access access = tables.policy().of(table.name()).orElseThrow();
        if (!access.isRestricted()) {
            return "all rows and columns";
        }
        SqlTable seen = table.shown(access);
        List<String> limits = new ArrayList<>();
        if (access.columns().isPresent()) {
            limits.add(
                    seen.columns()
                            .map(Types.NestedField::name)
                            .collect(Collectors.joining(", ", "only the columns ", "")));
        }
        if (!access.filters().isEmpty()) {
            limits.add("row filter");
        }
        for (String column : new TreeSet<>(access.masks().keySet())) {
            if (seen.columns().anyMatch(field -> field.name().equalsIgnoreCase(column))) {
                limits.add("mask on " + column);
            }
        }
        return String.join("; ", limits);
    }
}
