package org.tonle.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.Schema;
import org.tonle.catalog.PinnedTable;
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

/**
 * Tables between the steps of one piece of work, called {@code scratch.<name>}: those of others,
 * and those made of them, whose files are gone when this is closed.
 */
final class Scratch implements TableResolver, AutoCloseable {
    private static final String NAMESPACE = "scratch";
    private static final QueryLimits LIMITS = new QueryLimits(Duration.ofHours(1));

    private final SqlEngine engine;
    private final Path directory;
    private final String prefix;
    private final Map<TableName, SqlTable> tables = new HashMap<>();
    private final Map<TableName, List<DataFile>> files = new HashMap<>();
    private final List<Path> made = new ArrayList<>();

    /**
     * @param directory an existing one that the engine may write to
     * @param prefix how the names of the files begin
     */
    Scratch(SqlEngine engine, Path directory, String prefix) {
        this.engine = engine;
        this.directory = directory;
        this.prefix = prefix;
    }

    /** Has somebody else's files as a table. */
    void put(String name, Schema schema, List<DataFile> rows) {
        TableName table = new TableName(NAMESPACE, name);
        tables.put(table, SqlTable.of(table, schema));
        files.put(table, List.copyOf(rows));
    }

    /** Has files that were just written as a table. */
    void putWritten(String name, Schema schema, List<WrittenFile> rows) {
        put(name, schema, rows.stream().map(Scratch::file).toList());
    }

    /** The same with files that nobody else needs. */
    void keep(String name, Schema schema, List<WrittenFile> rows) {
        rows.forEach(file -> made.add(file.path()));
        putWritten(name, schema, rows);
    }

    /** Lets another have one of these tables, as long as this isn't closed. */
    void lend(String name, Scratch to) {
        TableName table = new TableName(NAMESPACE, name);
        to.tables.put(table, java.util.Objects.requireNonNull(tables.get(table)));
        to.files.put(table, files(name));
    }

    private static DataFile file(WrittenFile written) {
        return new DataFile(written.path(), written.records(), true);
    }

    /**
     * Makes a table of a query over others of these.
     *
     * @return how many rows it has
     */
    long make(String name, String sql) {
        BoundQuery query = Sql.query(sql, this);
        return make(name, query, inputs(query), query.schema());
    }

    /** The same with the columns of another table, field ids included. */
    long make(String name, String sql, Schema schema) {
        BoundQuery query = Sql.query(sql, this);
        return make(name, query, inputs(query), schema);
    }

    /** The same of a query over other tables. */
    long make(String name, BoundQuery query, Inputs inputs, Schema schema) {
        Path file = directory.resolve(prefix + "-" + name + ".parquet");
        made.add(file);
        List<WrittenFile> written =
                engine.write(query, inputs, new FileTarget(directory, prefix + "-" + name, schema));
        putWritten(name, schema, written);
        return written.stream().mapToLong(WrittenFile::records).sum();
    }

    /** The files of one of these. */
    List<DataFile> files(String name) {
        return java.util.Objects.requireNonNull(files.get(new TableName(NAMESPACE, name)));
    }

    /** Reads the rows of a query over these. */
    void read(String sql, Consumer<VectorSchemaRoot> batches) {
        BoundQuery query = Sql.query(sql, this);
        try (QueryResult rows = engine.run(query, inputs(query), LIMITS)) {
            while (rows.next()) {
                batches.accept(rows.batch());
            }
        }
    }

    /**
     * Reads the places of rows, given as file and position, of a query over these.
     *
     * @param table whose files they are
     * @param test which of the rows of a batch are meant
     * @return the positions by the files' locations
     */
    Map<String, BitSet> places(PinnedTable table, String sql, RowTest test) {
        Map<String, BitSet> places = new HashMap<>();
        read(
                sql,
                batch -> {
                    VarCharVector files = (VarCharVector) batch.getVector(0);
                    BigIntVector rows = (BigIntVector) batch.getVector(1);
                    for (int i = 0; i < batch.getRowCount(); i++) {
                        if (test.test(batch, i)) {
                            places.computeIfAbsent(
                                            table.location(
                                                    Path.of(String.valueOf(files.getObject(i)))),
                                            location -> new BitSet())
                                    .set(Math.toIntExact(rows.get(i)));
                        }
                    }
                });
        return places;
    }

    /** Says something of a row of a batch. */
    interface RowTest {
        boolean test(VectorSchemaRoot batch, int row);
    }

    private Inputs inputs(BoundQuery query) {
        return new Inputs(
                query.reads().stream()
                        .collect(
                                Collectors.toMap(
                                        name -> name,
                                        name ->
                                                java.util.Objects.requireNonNull(
                                                        files.get(name)))));
    }

    @Override
    public Optional<SqlTable> table(TableName name) {
        return tables.values().stream().filter(table -> table.name().matches(name)).findFirst();
    }

    @Override
    public List<TableName> names() {
        return List.copyOf(tables.keySet());
    }

    @Override
    public void close() {
        for (Path file : made) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
