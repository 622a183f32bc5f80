package org.tonle.duckdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VarCharVector;
import org.duckdb.DuckDBConnection;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.contracts.SqlKit;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;

/** Statements that have memory of their own, beside others that share the rest. */
class OwnMemoryTest {
    private static final long OWN = 64L << 20;
    private static final String TEN = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";

    /** A million rows of 120 characters. */
    private static final String ROWS =
            "(SELECT CAST(a.d * 100000 + b.d * 10000 + c.d * 1000 + d.d * 100 + e.d * 10 + f.d AS"
                    + " VARCHAR) || '"
                    + "x".repeat(120)
                    + "' AS s FROM %1$s AS a(d), %1$s AS b(d), %1$s AS c(d), %1$s AS d(d),"
                            .formatted(TEN)
                    + " %1$s AS e(d), %1$s AS f(d)) AS r".formatted(TEN);

    private static final String SORT = "SELECT r.s FROM " + ROWS + " ORDER BY r.s";
    private static final String HASH =
            "SELECT COUNT(*) AS n, CAST(SUM(g.n) AS BIGINT) AS s FROM (SELECT r.s, COUNT(*) AS n FROM "
                    + ROWS
                    + " GROUP BY r.s) AS g";

    /** One value of 120 MB. */
    private static final String ONE = "SELECT LISTAGG(r.s, ',') AS x FROM " + ROWS;

    @TempDir private Path directory;
    private Path temporary;
    private RootAllocator allocator;
    private DuckDbEngine engine;
    private SqlKit kit;

    @BeforeEach
    void openEngine() throws IOException {
        temporary = Files.createDirectory(directory.resolve("temporary"));
        Files.createDirectories(temporary.resolve("own-3/of-a-killed-process"));
        allocator = new RootAllocator();
        engine = DuckDbEngine.open(settings(), allocator);
        kit = new SqlKit(engine, directory);
    }

    private DuckDbSettings settings() {
        return new DuckDbSettings(List.of(directory), temporary, 1L << 30, 2 * OWN, 2, 4);
    }

    @AfterEach
    void closeEngine() throws IOException {
        engine.close();
        allocator.close();
        assertThat(temporary).as("nothing is left").isEmptyDirectory();
    }

    private QueryResult start(String sql, OptionalLong memory) {
        return engine.run(
                kit.bind(sql), kit.inputs(), new QueryLimits(Duration.ofMinutes(2), memory));
    }

    private static long rows(QueryResult result) {
        long rows = 0;
        String last = "";
        while (result.next()) {
            VarCharVector texts = (VarCharVector) result.batch().getVector(0);
            for (int i = 0; i < texts.getValueCount(); i++) {
                String text = new String(texts.get(i), StandardCharsets.US_ASCII);
                assertThat(text.compareTo(last)).isPositive();
                last = text;
                rows++;
            }
        }
        return rows;
    }

    private long spilled() throws IOException {
        try (Stream<Path> files = Files.walk(temporary)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }

    @Test
    void whatDoesNotFitIntoAStatementsOwnMemoryGoesToDisk() throws IOException {
        try (QueryResult sorted = start(SORT, OptionalLong.of(OWN))) {
            assertThat(sorted.next()).isTrue();
            assertThat(spilled()).as("of 120 MB").isGreaterThan(30L << 20);
        }
        assertThat(spilled()).isZero();
        try (QueryResult sorted = start(SORT, OptionalLong.of(OWN))) {
            assertThat(rows(sorted)).isEqualTo(1_000_000);
        }
        try (QueryResult sorted = start(SORT, OptionalLong.empty())) {
            assertThat(sorted.next()).isTrue();
            assertThat(spilled()).as("shared memory has room").isZero();
        }
        try (QueryResult hashed = start(HASH, OptionalLong.of(OWN))) {
            assertThat(hashed.next()).isTrue();
            assertThat(hashed.batch().getVector(0).getObject(0)).isEqualTo(1_000_000L);
            assertThat(hashed.batch().getVector(1).getObject(0)).isEqualTo(1_000_000L);
        }
    }

    @Test
    void whatFitsNowhereEndsAndOthersGoOn() {
        try (QueryResult shared = start(ONE, OptionalLong.empty())) {
            assertThat(shared.next()).as("it fits into the memory of all").isTrue();
        }
        CompletableFuture<Long> other =
                CompletableFuture.supplyAsync(
                        () -> {
                            try (QueryResult sorted = start(SORT, OptionalLong.of(OWN))) {
                                return rows(sorted);
                            }
                        },
                        Thread::startVirtualThread);
        try (QueryResult open = start(SORT, OptionalLong.empty())) {
            assertThat(open.next()).isTrue();
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(
                                () -> {
                                    try (QueryResult one = start(ONE, OptionalLong.of(OWN))) {
                                        one.next();
                                    }
                                })
                        .hasMessageContaining("more memory or temporary space than it may use")
                        .hasMessageContaining("64.0 MiB")
                        .isInstanceOfSatisfying(
                                LakeException.class,
                                e -> assertThat(e.code()).isEqualTo(ErrorCode.OUT_OF_RESOURCES));
            }
            long rows = open.batch().getRowCount();
            while (open.next()) {
                rows += open.batch().getRowCount();
            }
            assertThat(rows).isEqualTo(1_000_000);
        }
        assertThat(other.join()).isEqualTo(1_000_000);
        assertThat(kit.value("1 + 1")).isEqualTo(2);
    }

    @Test
    void aDatabaseIsForOneStatementAtATimeAndKeptWhileThereIsRoom() throws SQLException {
        try (OwnDatabases own = new OwnDatabases(settings())) {
            Database first = own.take(OWN);
            Database second = own.take(OWN);
            assertThat(second).isNotSameAs(first);
            own.giveBack(first);
            assertThat(own.take(OWN)).isSameAs(first);
            assertThat(memory(first)).isEqualTo("64.0 MiB");
            own.giveBack(first);
            own.giveBack(second);
            Database large = own.take(2 * OWN);
            assertThatThrownBy(first::connect).as("made room").isInstanceOf(SQLException.class);
            assertThatThrownBy(second::connect).isInstanceOf(SQLException.class);
            assertThat(memory(large)).isEqualTo("128.0 MiB");
            own.giveBack(large);
            own.close();
            assertThatThrownBy(large::connect).isInstanceOf(SQLException.class);
        }
    }

    private static String memory(Database database) throws SQLException {
        try (DuckDBConnection connection = database.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT current_setting('memory_limit')")) {
            row.next();
            return row.getString(1);
        }
    }
}
