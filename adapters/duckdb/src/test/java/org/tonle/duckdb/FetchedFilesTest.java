package org.tonle.duckdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.apache.arrow.memory.RootAllocator;
import org.apache.iceberg.Schema;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.CachedFiles;
import org.tonle.catalog.LocalFileIO;
import org.tonle.contracts.SqlKit;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.DataFile;
import org.tonle.sql.EnginePlan;
import org.tonle.sql.FetchingEngine;
import org.tonle.sql.FileTarget;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/** Over files that lie elsewhere and for whose copies there is no room but while they are read. */
class FetchedFilesTest {
    private static final Schema SCHEMA =
            new Schema(Types.NestedField.optional(1, "n", Types.LongType.get()));
    private static final QueryLimits LIMITS = new QueryLimits(Duration.ofMinutes(1));

    /** A store that lets nobody read while its gate is closed. */
    private static final class GatedFiles implements FileIO {
        private static final long serialVersionUID = 1L;

        private final transient LocalFileIO files = new LocalFileIO();
        private transient volatile CountDownLatch gate = new CountDownLatch(0);

        @Override
        public InputFile newInputFile(String location) {
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new LakeException(ErrorCode.CANCELLED, "interrupted", e);
            }
            return files.newInputFile(location);
        }

        @Override
        public OutputFile newOutputFile(String location) {
            return files.newOutputFile(location);
        }

        @Override
        public void deleteFile(String location) {
            files.deleteFile(location);
        }
    }

    @TempDir private Path dir;
    private final GatedFiles io = new GatedFiles();
    private CachedFiles files;
    private RootAllocator allocator;
    private FetchingEngine engine;
    private SqlKit kit;

    @BeforeEach
    void open() throws IOException {
        Path store = Files.createDirectory(dir.resolve("store"));
        files = new CachedFiles(io, LocalFileIO.location(store), dir.resolve("cache"), 0);
        allocator = new RootAllocator();
        engine =
                new FetchingEngine(
                        DuckDbEngine.open(
                                new DuckDbSettings(
                                        List.of(files.folder(), dir),
                                        Files.createDirectory(dir.resolve("tmp")),
                                        256L << 20,
                                        2,
                                        4),
                                allocator),
                        files);
        kit = new SqlKit(engine, files.folder());
        SqlTable table = SqlTable.of(new TableName("silver", "t"), SCHEMA);
        for (int i = 0; i < 3; i++) {
            for (DataFile file :
                    kit.add(
                            table,
                            SCHEMA,
                            "SELECT CAST(x AS BIGINT) AS n FROM (VALUES (%d), (%d)) AS v(x)"
                                    .formatted(i, i + 10))) {
                files.store(file.path());
            }
        }
    }

    @AfterEach
    void close() {
        engine.close();
        allocator.close();
        files.close();
    }

    private long here() throws IOException {
        try (Stream<Path> all = Files.list(files.folder())) {
            return all.filter(path -> path.toString().endsWith(".parquet")).count();
        }
    }

    @Test
    void whatAQueryReadsStaysUntilItsResultIsClosed() throws IOException {
        assertThat(here()).isZero();
        long fetched = files.counts().misses();
        try (QueryResult result =
                engine.run(kit.bind("SELECT n FROM silver.t ORDER BY n"), kit.inputs(), LIMITS)) {
            assertThat(result.next()).isTrue();
            assertThat(here()).isEqualTo(3);
        }
        assertThat(here()).isZero();
        assertThat(kit.rows("SELECT SUM(n) AS s FROM silver.t").toString()).isEqualTo("[[36]]");
        assertThat(files.counts().misses()).isEqualTo(fetched + 6);
    }

    @Test
    void aStatementThatFailsLetsGoOfWhatItRead() throws IOException {
        assertThatThrownBy(() -> kit.rows("SELECT 1 / (n - n) AS x FROM silver.t"))
                .isInstanceOf(LakeException.class)
                .hasMessageContaining("zero");
        assertThat(here()).isZero();
    }

    @Test
    @Timeout(180)
    void aQueryWhoseFilesComeSlowlyEndsWhenItsTimeIsOver() throws Exception {
        io.gate = new CountDownLatch(1);
        LakeException e =
                catchThrowableOfType(
                        LakeException.class,
                        () ->
                                engine.run(
                                        kit.bind("SELECT n FROM silver.t"),
                                        kit.inputs(),
                                        new QueryLimits(Duration.ofMillis(100))));
        assertThat(e.code()).isEqualTo(ErrorCode.TIMEOUT);
        io.gate.countDown();
        assertThat(kit.rows("SELECT SUM(n) AS s FROM silver.t").toString()).isEqualTo("[[36]]");
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (here() > 0) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(5);
        }
    }

    @Test
    void aPlanIsMadeOfWhatIsHereOrOfTheSmallestFile() {
        long fetched = files.counts().misses();
        EnginePlan plan = engine.explain(kit.bind("SELECT n FROM silver.t"), kit.inputs(), LIMITS);
        assertThat(plan.plan()).containsIgnoringCase("parquet");
        assertThat(files.counts().misses()).isEqualTo(fetched + 1);
        try (QueryResult result =
                engine.run(kit.bind("SELECT n FROM silver.t"), kit.inputs(), LIMITS)) {
            assertThat(result.next()).isTrue();
            long all = files.counts().misses();
            EnginePlan whole =
                    engine.explain(kit.bind("SELECT n FROM silver.t"), kit.inputs(), LIMITS);
            assertThat(whole.sql().split("\\.parquet", -1)).hasSize(4);
            assertThat(files.counts().misses()).isEqualTo(all);
        }
    }

    @Test
    void whatIsWrittenFromFilesElsewhereIsTheirs() throws IOException {
        Path written = Files.createDirectory(dir.resolve("written"));
        assertThat(
                        engine.write(
                                kit.bind("SELECT n FROM silver.t"),
                                kit.inputs(),
                                new FileTarget(written, "out", SCHEMA)))
                .singleElement()
                .matches(file -> file.records() == 6);
        assertThat(here()).isZero();
    }
}
