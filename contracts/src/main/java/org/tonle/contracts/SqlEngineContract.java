package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/** What every {@link SqlEngine} does with a query. */
public abstract class SqlEngineContract {
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

    private static final Schema CITIES =
            new Schema(
                    Types.NestedField.required(1, "name", Types.StringType.get()),
                    Types.NestedField.optional(2, "people", Types.LongType.get()));

    private SqlTable cities() {
        SqlTable table = SqlTable.of(new TableName("silver", "cities"), CITIES);
        kit.add(
                table,
                CITIES,
                "SELECT * FROM (VALUES ('Phnom Penh', 2281951), ('Bern', 134591),"
                        + " ('Zürich', CAST(NULL AS BIGINT))) AS t(name, people)");
        return table;
    }

    @Test
    void readsATableOutOfItsFiles() {
        cities();
        assertThat(kit.rows("SELECT * FROM silver.cities ORDER BY name").toString())
                .isEqualTo("[[Bern, 134591], [Phnom Penh, 2281951], [Zürich, null]]");
    }
}
