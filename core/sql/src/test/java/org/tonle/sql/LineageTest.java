package org.tonle.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Where columns come from. An edge is written {@code column<table.column}, or {@code
 * <table.column}.
 */
class LineageTest {
    private static final TableResolver TABLES =
            new TableResolver() {
                private final List<SqlTable> tables =
                        Stream.of("a", "b")
                                .map(name ->
                                        SqlTable.of(
                                                new TableName("silver", name),
                                                new Schema(
                                                        column(1, SqlTable.KEY),
                                                        column(2, "id"),
                                                        column(3, "x"),
                                                        column(4, "y"),
                                                        column(5, SqlTable.INGEST_TIME))))
                                .toList();

                @Override
                public Optional<SqlTable> table(TableName name) {
                    return tables.stream().filter(t -> t.name().matches(name)).findFirst();
                }

                @Override
                public List<TableName> names() {
                    return tables.stream().map(SqlTable::name).toList();
                }
            };

    private static Types.NestedField column(int id, String name) {
        return Types.NestedField.optional(id, name, Types.LongType.get());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SELECT id, x + y AS s FROM silver.a | id<a.id s<a.x s<a.y",
                "SELECT x AS n FROM silver.a WHERE y > 1 ORDER BY id | n<a.x <a.y <a.id",
                "SELECT id, COUNT(*) AS n, SUM(x) AS s FROM silver.a GROUP BY id | id<a.id s<a.x",
                "SELECT COUNT(*) AS n FROM silver.a GROUP BY id HAVING SUM(x) > 1 | <a.x <a.id",
                "SELECT SUM(x) FILTER (WHERE y > 0) AS s FROM silver.a | s<a.x <a.y",
                "SELECT a.x, b.x AS z FROM silver.a JOIN silver.b ON a.id = b.id"
                        + " | x<a.x z<b.x <a.id <b.id",
                "SELECT x, y FROM silver.a UNION ALL SELECT y, x FROM silver.b"
                        + " | x<a.x x<b.y y<a.y y<b.x",
                "WITH c AS (SELECT x AS k, y FROM silver.a) SELECT k + 1 AS v FROM c | v<a.x",
                "SELECT (SELECT MAX(y) FROM silver.b) AS m, x FROM silver.a | m<b.y x<a.x",
                "SELECT x FROM silver.a WHERE id IN (SELECT y FROM silver.b) | x<a.x <a.id <b.y",
                "SELECT x FROM silver.a WHERE EXISTS (SELECT 1 FROM silver.b WHERE b.y = a.id)"
                        + " | x<a.x <a.id <b.y",
                "SELECT SUM(x) OVER (PARTITION BY id ORDER BY y) AS s FROM silver.a"
                        + " | s<a.x s<a.id s<a.y",
                "SELECT _ingest_time AS t, _key AS k FROM silver.a"
                        + " | t<a._ingest_time k<a._key",
                "SELECT 1 AS one FROM silver.a | ''",
            })
    void saysWhatAColumnIsMadeOfAndWhatDecidesAboutRows(String sql, String edges) {
        BoundQuery query = Sql.query(sql, TABLES);
        assertThat(
                        Lineage.of(query).stream()
                                .map(edge ->
                                        edge.column().orElse("")
                                                + "<"
                                                + edge.inputTable().replace("silver.", "")
                                                + "."
                                                + edge.inputColumn()))
                .containsExactlyInAnyOrder(
                        edges.isEmpty() ? new String[0] : edges.strip().split(" "));
    }

    @Test
    void readsTheSameTableOfTwoStatesAsOne() {
        assertThat(Lineage.of(Sql.query("SELECT p.x FROM silver.a AS p, silver.a AS q", TABLES)))
                .hasSize(1);
    }
}
