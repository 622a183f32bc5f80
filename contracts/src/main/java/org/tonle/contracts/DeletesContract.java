package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.DeletedRows;
import org.tonle.definition.ColumnType;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.sql.Access;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.AsOf;
import org.tonle.sql.DataFile;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/** That no {@link SqlEngine} shows a row that is deleted of a file, however it is asked. */
public abstract class DeletesContract {
    private static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.required(1, "id", Types.LongType.get()),
                    Types.NestedField.optional(2, "name", Types.StringType.get()));

    @SuppressWarnings("NullAway.Init") // JUnit sets it
    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init") // set before each test
    private SqlEngine engine;

    @SuppressWarnings("NullAway.Init") // set before each test
    private SqlKit kit;

    /** A new engine that may read and write below {@code directory}. */
    protected abstract SqlEngine open(Path directory);

    @BeforeEach
    void openEngine() {
        engine = open(directory);
        kit = new SqlKit(engine, directory);
    }

    @AfterEach
    void closeEngine() {
        engine.close();
    }

    private static SqlTable table(String name, Schema schema) {
        return SqlTable.of(new TableName("silver", name), schema);
    }

    /**
     * A file with rows {@code from} to {@code to}, the last not included, whose name is the id's.
     */
    private static String rows(int from, int to) {
        return "SELECT n AS id, 'n' || CAST(n AS VARCHAR) AS name FROM (SELECT a.x + 10 * b.x + 100 * c.x AS n FROM %1$s AS a(x), %1$s AS b(x), %1$s AS c(x)) WHERE n >= %2$d AND n < %3$d ORDER BY n"
                .formatted("(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))", from, to);
    }

    private static BitSet at(int... positions) {
        BitSet set = new BitSet();
        IntStream.of(positions).forEach(set::set);
        return set;
    }

    private static SqlText text(String sql) {
        return new SqlText(new Place("policies/test.yaml", 1, 1), sql);
    }

    private static DataFile without(DataFile file, BitSet deleted) {
        return deleted.isEmpty()
                ? file
                : new DataFile(
                        file.path(),
                        file.records(),
                        file.current(),
                        Optional.of(DeletedRows.of(deleted)));
    }

    /**
     * A table {@code t} of 0 to 4 without 1 and 3, and of 5 and 6 of a file of which all is left.
     */
    private SqlTable small() {
        SqlTable table = table("t", SCHEMA);
        List<DataFile> files = new ArrayList<>(kit.add(table, SCHEMA, rows(0, 5)));
        files.addAll(kit.add(table, SCHEMA, rows(5, 7)));
        kit.set(table, List.of(without(files.get(0), at(1, 3)), files.get(1)));
        return table;
    }

    @Test
    void aQuerySeesWhatIsLeft() {
        small();
        assertThat(kit.rows("SELECT * FROM silver.t ORDER BY id"))
                .hasToString("[[0, n0], [2, n2], [4, n4], [5, n5], [6, n6]]");
    }

    @Test
    void theRowsThatAreLeftStandWhereTheyStood() {
        SqlTable written = table("t", SCHEMA);
        List<DataFile> files = new ArrayList<>(kit.add(written, SCHEMA, rows(0, 5)));
        files.addAll(kit.add(written, SCHEMA, rows(5, 7)));
        kit.set(
                table("t", SqlTable.placed(SCHEMA)),
                List.of(without(files.get(0), at(1, 3)), files.get(1)));
        assertThat(
                        kit.rows(
                                "SELECT name, \"_pos\", \"_file\" = '%s' AS first FROM silver.t ORDER BY id"
                                        .formatted(files.getFirst().path())))
                .hasToString(
                        "[[n0, 0, true], [n2, 2, true], [n4, 4, true], [n5, 0, false], [n6, 1, false]]");
        assertThat(kit.rows("SELECT SUM(\"_pos\") AS p FROM silver.t")).hasToString("[[7]]");
        kit.set(table("t", SqlTable.placed(SCHEMA)), List.of());
        assertThat(kit.rows("SELECT \"_file\" FROM silver.t")).isEmpty();
    }

    @Test
    void countsAndBoundsThatAnEngineMightReadOffAFileAreOfWhatIsLeft() {
        SqlTable table = table("t", SCHEMA);
        DataFile file = kit.add(table, SCHEMA, rows(0, 1000)).getFirst();
        BitSet ends = new BitSet();
        ends.set(0, 10);
        ends.set(990, 1000);
        kit.set(table, List.of(without(file, ends)));
        assertThat(
                        kit.rows(
                                "SELECT COUNT(*) AS n, MIN(id) AS a, MAX(id) AS z, COUNT(name) AS m FROM silver.t"))
                .hasToString("[[980, 10, 989, 980]]");
        assertThat(kit.rows("SELECT COUNT(*) AS n FROM silver.t")).hasToString("[[980]]");
        assertThat(kit.rows("SELECT id FROM silver.t WHERE id = 995")).isEmpty();
        assertThat(kit.rows("SELECT id FROM silver.t ORDER BY id DESC LIMIT 1"))
                .hasToString("[[989]]");
        assertThat(kit.rows("SELECT id FROM silver.t WHERE id IN (5, 500, 999)"))
                .hasToString("[[500]]");
        assertThat(
                        kit.rows(
                                "SELECT COUNT(*) AS n FROM silver.t AS a JOIN silver.t AS b ON a.id = b.id"))
                .hasToString("[[980]]");
    }

    @Test
    void aFileOfWhichNothingIsLeftHasNoRows() {
        SqlTable table = table("t", SCHEMA);
        DataFile file = kit.add(table, SCHEMA, rows(0, 3)).getFirst();
        kit.set(table, List.of(without(file, at(0, 1, 2))));
        assertThat(kit.rows("SELECT * FROM silver.t")).isEmpty();
    }

    @Test
    void whatIsWrittenOfATableIsWhatIsLeft() {
        small();
        List<WrittenFile> written =
                engine.write(
                        kit.bind("SELECT id, name FROM silver.t"),
                        kit.inputs(),
                        new FileTarget(directory, "copy", SCHEMA));
        assertThat(written.stream().mapToLong(WrittenFile::records).sum()).isEqualTo(5);
        SqlTable copy = table("copy", SCHEMA);
        kit.give(
                copy,
                written.stream().map(f -> new DataFile(f.path(), f.records(), true)).toList());
        assertThat(kit.rows("SELECT name FROM silver.copy ORDER BY id"))
                .hasToString("[[n0], [n2], [n4], [n5], [n6]]");
    }

    @Test
    void aPlanIsMade() {
        small();
        assertThat(
                        engine.explain(
                                        kit.bind("SELECT MAX(name) AS m FROM silver.t"),
                                        kit.inputs(),
                                        new QueryLimits(Duration.ofMinutes(1)))
                                .plan())
                .isNotEmpty();
    }

    @Test
    void aRowFilterAndAMaskStandOverWhatIsLeft() {
        SqlTable table = small();
        AccessPolicy policy =
                name ->
                        Optional.of(
                                new Access(
                                        Optional.empty(),
                                        List.of(text("id < 6")),
                                        Map.of("name", text("UPPER(name)")),
                                        Map.of()));
        assertThat(kit.rows("SELECT * FROM " + table.name() + " ORDER BY id", policy))
                .hasToString("[[0, N0], [2, N2], [4, N4], [5, N5]]");
    }

    @Test
    void twoStatesOfATableInOneStatementHaveEachItsOwn() {
        SqlTable now = small();
        TableName then = new TableName("silver", "t", Optional.of(new AsOf.Commit(1)));
        List<DataFile> files = kit.inputs().of(now.name());
        kit.set(
                SqlTable.of(then, SCHEMA),
                List.of(
                        without(
                                new DataFile(
                                        files.getFirst().path(), files.getFirst().records(), true),
                                at(0))));
        assertThat(
                        kit.rows(
                                "SELECT b.id FROM silver.t FOR SYSTEM_TIME AS OF 1 AS b LEFT JOIN silver.t AS a ON a.id = b.id WHERE a.id IS NULL ORDER BY b.id"))
                .hasToString("[[1], [3]]");
        assertThat(kit.rows("SELECT id FROM silver.t ORDER BY id"))
                .hasToString("[[0], [2], [4], [5], [6]]");
    }

    @Test
    void filesOfOlderSchemasAreReadByFieldIdWithoutWhatIsDeleted() {
        Schema now =
                new Schema(
                        Types.NestedField.optional(7, "added", Types.LongType.get()),
                        Types.NestedField.optional(2, "title", Types.StringType.get()),
                        Types.NestedField.required(1, "id", Types.LongType.get()));
        SqlTable table = table("t", now);
        List<DataFile> files = new ArrayList<>(kit.add(table, SCHEMA, rows(0, 4)));
        files.addAll(
                kit.add(
                        table,
                        now,
                        "SELECT * FROM (VALUES (4, 'n4', 40), (5, 'n5', 50)) AS t(id, title, added) ORDER BY id"));
        files.addAll(kit.add(table, SCHEMA, rows(6, 8)));
        kit.set(
                table,
                List.of(
                        without(files.get(0), at(0, 3)),
                        without(files.get(1), at(1)),
                        files.get(2)));
        assertThat(kit.rows("SELECT * FROM silver.t ORDER BY id"))
                .hasToString(
                        "[[null, n1, 1], [null, n2, 2], [40, n4, 4], [null, n6, 6], [null, n7, 7]]");
    }

    @Test
    void aColumnMayHaveAnyName() {
        for (String name :
                List.of("file_row_number", "FILE_ROW_NUMBER", "c1", "filename", "file_index")) {
            Schema schema =
                    new Schema(
                            Types.NestedField.required(1, name, Types.LongType.get()),
                            Types.NestedField.optional(
                                    2, "c1".equals(name) ? "c2" : "c1", Types.StringType.get()));
            SqlTable table = table("t_" + name, schema);
            DataFile file =
                    kit.add(
                                    table,
                                    schema,
                                    "SELECT * FROM (VALUES (10, 'a'), (11, 'b'), (12, 'c')) AS t(\"%s\", \"%s\") ORDER BY 1"
                                            .formatted(name, schema.columns().get(1).name()))
                            .getFirst();
            for (boolean current : new boolean[] {true, false}) {
                kit.set(
                        table,
                        List.of(
                                new DataFile(
                                        file.path(),
                                        3,
                                        current,
                                        Optional.of(DeletedRows.of(at(1))))));
                assertThat(kit.rows("SELECT * FROM silver.\"t_" + name + "\" ORDER BY 1"))
                        .as("%s, current %s", name, current)
                        .hasToString("[[10, a], [12, c]]");
                assertThat(
                                kit.rows(
                                        "SELECT \"%s\" FROM silver.\"t_%s\" ORDER BY 1"
                                                .formatted(schema.columns().get(1).name(), name)))
                        .as("beside %s, current %s", name, current)
                        .hasToString("[[a], [c]]");
            }
        }
    }

    @Test
    void aStreamTakesInWhatIsLeft() throws Exception {
        StreamKit streams =
                new StreamKit(engine, Files.createDirectory(directory.resolve("streams")));
        SqlTable source = StreamKit.source(StreamKit.column("a", ColumnType.Simple.BIGINT, true));
        List<DataFile> files =
                streams.events(
                        source,
                        new StreamKit.Event("one", 1, "{\"a\": 1}"),
                        new StreamKit.Event("two", 2, "{\"a\": 2}"),
                        new StreamKit.Event("bad", 3, "{}"),
                        new StreamKit.Event("four", 4, "{\"a\": 4}"));
        streams.tables().set(source, List.of(without(files.getFirst(), at(1, 2))));
        StreamKit.Run run =
                streams.run(
                        "CREATE STREAMING TABLE silver.out AS SELECT a FROM STREAM bronze.events",
                        new StreamKit.SeenKeys());
        assertThat(streams.rows(run, "a", "a")).hasToString("[[1], [4]]");
        assertThat(run.result().quarantine()).isEmpty();
        assertThat(run.result().input()).isEqualTo(2);
    }

    @Test
    void randomDeletesOfRandomFilesLeaveWhatAModelHas() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 8; round++) {
            SqlTable table = table("t" + round, SCHEMA);
            List<DataFile> files = new ArrayList<>();
            List<List<@Nullable Object>> model = new ArrayList<>();
            int first = 0;
            for (int i = random.nextInt(5); i >= 0; i--) {
                int end =
                        Math.min(1000, first + 1 + random.nextInt(random.nextBoolean() ? 9 : 400));
                if (end == first) {
                    break;
                }
                DataFile file = kit.add(table, SCHEMA, rows(first, end)).getFirst();
                double part = random.nextInt(4) == 0 ? 0 : random.nextDouble();
                BitSet deleted = new BitSet();
                for (int row = first; row < end; row++) {
                    if (random.nextDouble() < part) {
                        deleted.set(row - first);
                    } else {
                        model.add(List.of((long) row, "n" + row));
                    }
                }
                DataFile known = new DataFile(file.path(), file.records(), random.nextBoolean());
                files.add(without(known, deleted));
                first = end;
            }
            kit.set(table, files);
            assertThat(kit.rows("SELECT * FROM " + table.name() + " ORDER BY id"))
                    .as("seed %d, round %d", seed, round)
                    .isEqualTo(model);
            assertThat(new Inputs(Map.of(table.name(), files)).rows())
                    .as("seed %d, round %d", seed, round)
                    .isEqualTo(model.size());
        }
    }
}
