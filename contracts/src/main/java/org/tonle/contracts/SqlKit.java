package org.tonle.contracts;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.arrow.vector.FieldVector;
import org.apache.iceberg.Schema;
import org.jspecify.annotations.Nullable;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.DataFile;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.TableResolver;
import org.tonle.sql.WrittenFile;

/** Tables in files and questions about them, for tests of engines. */
public final class SqlKit implements TableResolver {
    private static final QueryLimits LIMITS = new QueryLimits(Duration.ofMinutes(1));

    private final SqlEngine engine;
    private final Path directory;
    private final Map<TableName, SqlTable> tables = new LinkedHashMap<>();
    private final Map<TableName, List<DataFile>> files = new LinkedHashMap<>();
    private final Optional<String> namespace;
    private int written;

    public SqlKit(SqlEngine engine, Path directory) {
        this(engine, directory, Optional.empty());
    }

    /** {@code namespace} is that of tables named without one. */
    public SqlKit(SqlEngine engine, Path directory, Optional<String> namespace) {
        this.engine = engine;
        this.directory = directory;
        this.namespace = namespace;
    }

    @Override
    public Optional<String> namespace() {
        return namespace;
    }

    /** Makes a table known; without files it has no rows. */
    public SqlTable table(SqlTable table) {
        tables.put(table.name(), table);
        files.putIfAbsent(table.name(), List.of());
        return table;
    }

    /** Adds the rows of a SELECT to a table, as one file of an own, perhaps older, schema. */
    public List<DataFile> add(SqlTable table, Schema schema, String select) {
        List<DataFile> added = new ArrayList<>();
        for (WrittenFile file :
                engine.write(
                        bind(select),
                        inputs(),
                        new FileTarget(directory, "input-" + written++, schema))) {
            added.add(new DataFile(file.path(), file.records(), table.schema().sameSchema(schema)));
        }
        give(table, added);
        return added;
    }

    /** Makes files all that a table has. */
    public void set(SqlTable table, List<DataFile> all) {
        tables.put(table.name(), table);
        files.put(table.name(), List.copyOf(all));
    }

    /** Adds files to a table. */
    public void give(SqlTable table, List<DataFile> more) {
        table(table);
        files.merge(
                table.name(),
                more,
                (a, b) -> {
                    List<DataFile> both = new ArrayList<>(a);
                    both.addAll(b);
                    return List.copyOf(both);
                });
    }

    public BoundQuery bind(String sql) {
        return Sql.query(sql, this);
    }

    public Inputs inputs() {
        return new Inputs(files);
    }

    /** All rows of a query: one list for each, of what Arrow makes of the values. */
    public List<List<@Nullable Object>> rows(String sql) {
        return rows(bind(sql));
    }

    /** All rows that {@code policy} shows. */
    public List<List<@Nullable Object>> rows(String sql, AccessPolicy policy) {
        return rows(Sql.query(sql, this, policy));
    }

    public List<List<@Nullable Object>> rows(BoundQuery query) {
        List<List<@Nullable Object>> rows = new ArrayList<>();
        try (QueryResult result = engine.run(query, inputs(), LIMITS)) {
            while (result.next()) {
                for (int i = 0; i < result.batch().getRowCount(); i++) {
                    List<@Nullable Object> row = new ArrayList<>();
                    for (FieldVector vector : result.batch().getFieldVectors()) {
                        row.add(plain(vector.getObject(i)));
                    }
                    rows.add(row);
                }
            }
        }
        return rows;
    }

    /** The only value of a query without tables, such as {@code 7 / 2}. */
    public @Nullable Object value(String expression) {
        return rows("SELECT " + expression + " AS x").getFirst().getFirst();
    }

    private static @Nullable Object plain(@Nullable Object value) {
        return value instanceof org.apache.arrow.vector.util.Text text ? text.toString() : value;
    }

    @Override
    public Optional<SqlTable> table(TableName name) {
        return tables.values().stream().filter(t -> t.name().matches(name)).findFirst();
    }

    @Override
    public List<TableName> names() {
        return List.copyOf(tables.keySet());
    }
}
