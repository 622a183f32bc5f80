package org.tonle.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExtentTest {
    private static final TableResolver TABLES =
            new TableResolver() {
                @Override
                public Optional<SqlTable> table(TableName name) {
                    return Optional.empty();
                }

                @Override
                public List<TableName> names() {
                    return List.of();
                }
            };

    private static String nested(String outer, String innermost, int times) {
        String text = innermost;
        for (int i = 0; i < times; i++) {
            text = outer.replace("{}", text).replace("{i}", "w" + i);
        }
        return text;
    }

    private static void assertRefused(String sql) {
        assertThatThrownBy(() -> Sql.query(sql, TABLES))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED_SQL))
                .hasMessageContaining("line 1, column ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "NULLIF({}, 1)",
                "CASE {} WHEN 1 THEN 2 WHEN 2 THEN 3 END",
                "CASE COALESCE({}, 1) WHEN 1 THEN 2 WHEN 2 THEN 3 END",
            })
    void whatDoublesAtEachStepIsRefusedAtOnce(String outer) {
        assertRefused("SELECT " + nested(outer, "0", 100) + " AS x");
        assertThat(Sql.query("SELECT " + nested(outer, "0", 6) + " AS x", TABLES)).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"COALESCE({}, 1)", "NVL({}, 1)"})
    void whatStaysWhatItIsMayBeNestedDeep(String outer) {
        assertThat(Sql.query("SELECT " + nested(outer, "0", 100) + " AS x", TABLES)).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CUBE(a, b, c, d, e, f, g, h, i, j, k, l, m)",
                "CUBE(a, b, c, d, e, f, g), CUBE(a, b, c, d, e, f, g)",
                "ROLLUP(a, b, c, d, e, f, g), ROLLUP(a, b, c, d, e, f, g), ROLLUP(a, b, c, d, e,"
                        + " f, g), ROLLUP(a, b, c, d, e, f, g), ROLLUP(a)",
                "GROUPING SETS (CUBE(a, b, c, d, e, f, g, h, i, j, k, l), ())",
            })
    void whatGroupsInThousandsOfWaysIsRefusedAtOnce(String groups) {
        String from =
                "SELECT COUNT(*) AS n FROM (VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)) AS"
                        + " t(a, b, c, d, e, f, g, h, i, j, k, l, m) GROUP BY ";
        assertRefused(from + groups);
        assertThat(Sql.query(from + "a, CUBE(b, c, d), GROUPING SETS ((e, f), g)", TABLES))
                .isNotNull();
    }

    @Test
    void anAliasOfASubqueryThatIsNamedAgainAtEachStepIsRefusedAtOnce() {
        String outer = "SELECT ({}) AS a FROM (VALUES (1)) AS t(x) GROUP BY a HAVING a > 0";
        assertRefused(nested(outer, "SELECT 1 AS a", 40));
        assertThat(Sql.query(nested(outer, "SELECT 1 AS a", 4), TABLES)).isNotNull();
        String byPlace = "SELECT ({}) AS a FROM (VALUES (1)) AS t(x) GROUP BY 1";
        assertRefused(nested(byPlace, "SELECT 1 AS a", 40));
    }

    @Test
    void aWithInsideAWithIsLookedAtOnceHoweverDeep() {
        String inner = "WITH {i} AS ({}) SELECT a FROM {i} ORDER BY a";
        assertThat(Sql.query(nested(inner, "SELECT 1 AS a", 60), TABLES)).isNotNull();
        UnaryOperator<String> derived = text -> "SELECT a FROM (" + text + ") AS t ORDER BY a";
        assertThat(Sql.query(nested(derived.apply(inner), "SELECT 1 AS a", 40), TABLES))
                .isNotNull();
    }
}
