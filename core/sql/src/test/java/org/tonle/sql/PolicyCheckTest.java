package org.tonle.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlWriter;
import org.apache.calcite.sql.dialect.AnsiSqlDialect;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** A statement to which policy was applied wrongly is refused, whatever went wrong. */
class PolicyCheckTest {
    private static final TableName PEOPLE = new TableName("silver", "people");

    private static final TableResolver TABLES =
            new TableResolver() {
                @Override
                public Optional<SqlTable> table(TableName name) {
                    return Optional.of(
                            SqlTable.of(
                                    name,
                                    new Schema(
                                            Types.NestedField.required(
                                                    1, "id", Types.IntegerType.get()),
                                            Types.NestedField.optional(
                                                    2, "region", Types.StringType.get()),
                                            Types.NestedField.optional(
                                                    3, "ssn", Types.StringType.get()))));
                }

                @Override
                public List<TableName> names() {
                    return List.of(PEOPLE);
                }
            };

    private static final Access EU = access(List.of("region = 'EU'"), Map.of());
    private static final Access MASKED = access(List.of(), Map.of("ssn", "'***'"));

    private static Access access(List<String> filters, Map<String, String> masks) {
        Map<String, SqlText> texts = new java.util.HashMap<>();
        masks.forEach((column, mask) -> texts.put(column, text(mask)));
        return new Access(
                Optional.empty(),
                filters.stream().map(PolicyCheckTest::text).toList(),
                texts,
                Map.of());
    }

    private static SqlText text(String sql) {
        return new SqlText(new Place("policies/p.yaml", 1, 1), sql);
    }

    private static AccessPolicy policy(Access access) {
        return table -> Optional.of(access);
    }

    /** Binds by one policy and checks by another. */
    private static void check(Access applied, AccessPolicy asked, String sql) {
        BoundQuery query = Sql.query(sql, TABLES, policy(applied));
        PolicyCheck.check(query.tree(), query.tables(), asked, TABLES);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT id, ssn FROM silver.people",
                "SELECT COUNT(*) AS n, MAX(ssn) AS m FROM silver.people",
                "SELECT a.id, b.ssn FROM silver.other AS a JOIN silver.people AS b ON a.id = b.id",
                "WITH w AS (SELECT * FROM silver.people) SELECT * FROM w",
                "SELECT id, ssn FROM silver.people FOR SYSTEM_TIME AS OF 3",
                "SELECT a.id, b.ssn FROM silver.people AS a, silver.people FOR SYSTEM_TIME AS OF"
                        + " TIMESTAMP '2026-01-01 00:00:00.5' AS b",
                "SELECT 1 / id AS x FROM silver.people WHERE 1 / id > (SELECT MAX(ssn) FROM"
                        + " silver.people) IS NULL",
            })
    void whatWasBoundByLessThanPolicyIsRefused(String statement) {
        String sql =
                statement.replace(
                        "> (SELECT MAX(ssn) FROM silver.people) IS NULL",
                        "> 0 AND" + " EXISTS (SELECT MAX(ssn) FROM silver.people)");
        check(EU, policy(EU), sql);
        check(MASKED, policy(MASKED), sql);
        Access both = access(List.of("region = 'EU'", "id > 0"), Map.of("ssn", "'***'"));
        check(both, policy(both), sql);
        assertRefused(Access.FULL, policy(EU), sql, "its guard is missing");
        assertRefused(MASKED, policy(EU), sql, "a row filter is missing");
        assertRefused(EU, policy(access(List.of("region = 'US'"), Map.of())), sql, "a row filter");
        assertRefused(EU, policy(both), sql, "a row filter is missing");
        assertRefused(EU, policy(MASKED), sql, "a mask is missing");
        assertRefused(MASKED, policy(access(List.of(), Map.of("ssn", "'*'"))), sql, "a mask");
        assertRefused(
                EU,
                policy(new Access(Optional.of(Set.of("id")), EU.filters(), Map.of(), Map.of())),
                sql,
                "a column is shown that isn't granted");
        assertRefused(EU, table -> Optional.empty(), sql, "it isn't shown");
    }

    private static void assertRefused(
            Access applied, AccessPolicy asked, String sql, String reason) {
        assertThatThrownBy(() -> check(applied, asked, sql))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERNAL))
                .hasMessageContaining(reason);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "id > 6 - 1 | false",
                "DATE '1993-07-01' + INTERVAL '3' MONTH > DATE '1994-01-01' | false",
                "id BETWEEN 6 - 1 AND 6 + 1 | false",
                "id - 1 > 5 | true",
                "id > 2000000000 + 2000000000 | true",
                "id > 1 / 2 | true",
                "id > 1 + 2 + 3 | true",
                "DATE '1993-07-01' + INTERVAL '99999' YEAR(5) > DATE '1994-01-01' | true",
                "DATE '1993-07-01' + INTERVAL '3' MONTH * id > DATE '1994-01-01' | true",
                "CAST(CAST('a' AS DATE) + INTERVAL '3' MONTH AS VARCHAR) > ssn | true"
            })
    void onlyWhatCantFailIsComputedBesideAFilter(String condition, boolean barrier) {
        String printed =
                Sql.query("SELECT id FROM silver.people WHERE " + condition, TABLES, policy(EU))
                        .print(AnsiSqlDialect.DEFAULT, table -> "files");
        assertThat(printed.contains(Long.toString(Long.MAX_VALUE))).isEqualTo(barrier);
    }

    @Test
    void aPrinterThatLeavesPartOfAFilterOutIsRefused() {
        BoundQuery query =
                Sql.query(
                        "SELECT id FROM silver.people",
                        TABLES,
                        policy(access(List.of("region = 'EU' AND id > 0"), Map.of())));
        assertThat(query.print(AnsiSqlDialect.DEFAULT, table -> "files")).contains("'EU'");
        for (SqlKind left : List.of(SqlKind.EQUALS, SqlKind.AND)) {
            SqlDialect faulty =
                    new AnsiSqlDialect(AnsiSqlDialect.DEFAULT_CONTEXT) {
                        @Override
                        public void unparseCall(
                                SqlWriter writer, SqlCall call, int leftPrec, int rightPrec) {
                            if (call.getKind() == left) {
                                writer.literal("TRUE");
                            } else {
                                super.unparseCall(writer, call, leftPrec, rightPrec);
                            }
                        }
                    };
            assertThatThrownBy(() -> query.print(faulty, table -> "files"))
                    .hasMessage(
                            "Policy was not applied to silver.people: its row filter wasn't printed"
                                    + " whole");
        }
    }
}
