package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LocalFileIO;

/**
 * Engines that aren't ours read a table whose rows were deleted, from its metadata file: now, as it
 * was before, and after its files were compacted.
 */
class DeletedRowsReadersIT {
    /** Those that take longer are asked for. */
    private static final String READERS = System.getProperty("tonle.readers", "pyiceberg");

    @TempDir private Path dir;
    private ChangedTable table;

    @BeforeEach
    void change() throws Exception {
        table = new ChangedTable(dir);
        table.change(1000, id -> false);
        table.change(500, id -> false);
        table.change(200, id -> false);
        table.change(0, id -> id % 10 == 0);
        // the vectors of all files again; and a file of which nothing is left
        table.change(50, id -> id % 10 == 3 || (id >= 1000 && id < 1500));
        table.evolve();
        table.change(300, id -> id % 100 == 5);
    }

    @AfterEach
    void close() {
        table.close();
    }

    @Test
    void theySeeWhatIsLeft() throws Exception {
        List<Path> states = new ArrayList<>();
        List<List<String>> rows = new ArrayList<>();
        states.add(table.metadata());
        rows.add(table.rows());
        table.change(10, id -> id % 9 == 0);
        states.add(table.metadata());
        rows.add(table.rows());
        table.compact();
        states.add(table.metadata());
        rows.add(table.rows());
        assertThat(rows).allSatisfy(each -> assertThat(each).hasSizeGreaterThan(1000));
        for (String reader : READERS.split(",")) {
            assertThat(TableReader.valueOf(reader.toUpperCase(Locale.ROOT)).rows(states, dir))
                    .as(reader)
                    .isEqualTo(rows);
        }
    }

    /** Where nobody knows of the lake: it is closed, and its files are gone. */
    @Test
    void whatIsExportedIsReadByOthersWithoutTheLake() throws Exception {
        Path exported = table.export(dir.resolve("out"));
        List<String> rows = table.rows();
        assertThat(rows).hasSizeGreaterThan(1000);
        LocalFileIO.removeTree(dir.resolve("warehouse"));
        for (TableReader reader : List.of(TableReader.PYICEBERG, TableReader.DUCKDB)) {
            assertThat(reader.rows(List.of(exported), dir))
                    .as(reader.name())
                    .isEqualTo(List.of(rows));
        }
    }
}
