package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.Access;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/**
 * Policy holds whatever is asked: every kind of statement gives over a table under policy what it
 * gives over a copy from which all that policy hides was taken out beforehand.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class PolicyContract {
    private static final TableName PEOPLE = new TableName("silver", "people");

    private static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.required(1, "id", Types.IntegerType.get()),
                    Types.NestedField.required(2, "name", Types.StringType.get()),
                    Types.NestedField.optional(3, "region", Types.StringType.get()),
                    Types.NestedField.optional(4, "salary", Types.IntegerType.get()),
                    Types.NestedField.optional(5, "ssn", Types.StringType.get()),
                    Types.NestedField.optional(6, "boss", Types.IntegerType.get()),
                    Types.NestedField.optional(
                            7, "tags", Types.ListType.ofOptional(8, Types.StringType.get())));

    private static final String ROWS =
            "SELECT * FROM (VALUES (1, 'Ada', 'EU', 9000, '111', CAST(NULL AS INTEGER),"
                    + " ARRAY['x', 'y']), (2, 'Bob', 'EU', 5000, '222', 1, ARRAY['x']), (3, 'Cy',"
                    + " 'US', 7000, '333', 1, ARRAY['secret']), (4, 'Di', CAST(NULL AS VARCHAR),"
                    + " 6000, '444', 3, CAST(NULL AS VARCHAR ARRAY)), (5, 'O''Hara', 'EU', 0,"
                    + " 'not a number', 3, ARRAY['z'])) AS t(id, name, region, salary, ssn, boss,"
                    + " tags)";

    /** A policy, and a copy of the table as it shows it. */
    private record Kind(String name, Access access, String copy) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static final List<Kind> KINDS =
            List.of(
                    kind(
                            "filter",
                            List.of("region = 'EU'"),
                            Map.of(),
                            "SELECT * FROM (" + ROWS + ") AS s WHERE region = 'EU'"),
                    kind(
                            "attribute",
                            List.of("region = principal_attribute('region')"),
                            Map.of(),
                            "SELECT * FROM (" + ROWS + ") AS s WHERE region = 'US'"),
                    kind(
                            "two filters",
                            List.of("region = 'EU' OR region IS NULL", "salary > 0"),
                            Map.of(),
                            "SELECT * FROM ("
                                    + ROWS
                                    + ") AS s WHERE (region = 'EU' OR region IS NULL) AND salary >"
                                    + " 0"),
                    kind(
                            "filter by another table",
                            List.of("id IN (SELECT who FROM silver.allowed)"),
                            Map.of(),
                            "SELECT * FROM (" + ROWS + ") AS s WHERE id IN (2, 4)"),
                    kind(
                            "nothing",
                            List.of("region = principal_attribute('nosuch')"),
                            Map.of(),
                            "SELECT * FROM (" + ROWS + ") AS s WHERE FALSE"),
                    kind(
                            "mask",
                            List.of(),
                            Map.of(
                                    "ssn",
                                    "'***'",
                                    "salary",
                                    "NULL",
                                    "name",
                                    "SUBSTRING(name, 1, 1)"),
                            "SELECT id, SUBSTRING(name, 1, 1) AS name, region, CAST(NULL AS"
                                    + " INTEGER) AS salary, '***' AS ssn, boss, tags FROM ("
                                    + ROWS
                                    + ") AS s"),
                    kind(
                            "filter and mask",
                            List.of("region <> 'US'"),
                            Map.of("ssn", "CASE WHEN region = 'EU' THEN NULL ELSE 'x' || ssn END"),
                            "SELECT id, name, region, salary, CASE WHEN region = 'EU' THEN NULL"
                                    + " ELSE 'x' || ssn END AS ssn, boss, tags FROM ("
                                    + ROWS
                                    + ") AS s WHERE region <> 'US'"));

    @SuppressWarnings("NullAway.Init") // set before all tests
    private SqlEngine engine;

    @SuppressWarnings("NullAway.Init") // set before all tests
    private SqlKit kit;

    /** A new engine that may read and write below {@code directory}. */
    protected abstract SqlEngine open(Path directory);

    private static Kind kind(
            String name, List<String> filters, Map<String, String> masks, String copy) {
        Map<String, SqlText> texts = new java.util.HashMap<>();
        masks.forEach((column, mask) -> texts.put(column, text(mask)));
        return new Kind(
                name,
                new Access(
                        Optional.empty(),
                        filters.stream().map(PolicyContract::text).toList(),
                        texts,
                        Map.of("region", "US")),
                copy);
    }

    private static SqlText text(String sql) {
        return new SqlText(new Place("policies/p.yaml", 1, 1), sql);
    }

    private static String copyOf(Kind kind) {
        return "copies." + kind.name().replace(' ', '_');
    }

    @BeforeAll
    void openEngine(@TempDir Path directory) {
        engine = open(directory);
        kit = new SqlKit(engine, directory);
        kit.add(SqlTable.of(PEOPLE, SCHEMA), SCHEMA, ROWS);
        Schema allowed = new Schema(Types.NestedField.required(1, "who", Types.IntegerType.get()));
        kit.add(
                SqlTable.of(new TableName("silver", "allowed"), allowed),
                allowed,
                "SELECT * FROM (VALUES (2), (4)) AS t(who)");
        Schema loose = new Schema(SCHEMA.columns().stream().map(c -> c.asOptional()).toList());
        for (Kind kind : KINDS) {
            String name = copyOf(kind);
            kit.add(
                    SqlTable.of(new TableName("copies", name.substring(7)), loose),
                    loose,
                    kind.copy());
        }
    }

    @AfterAll
    void closeEngine() {
        engine.close();
    }

    /** Only the people, and only as {@code access} shows them. */
    private static AccessPolicy policy(Access access) {
        return table -> table.current().matches(PEOPLE) ? Optional.of(access) : Optional.empty();
    }

    static Stream<Arguments> everything() {
        return KINDS.stream()
                .flatMap(kind ->
                        PolicyStatements.ALL.stream()
                                .map(statement -> Arguments.of(kind, statement)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("everything")
    void showsNoMoreAndNoLessThanPolicySays(Kind kind, String statement) {
        List<String> expected = texts(kit.rows(statement.replace("{t}", copyOf(kind))));
        List<String> seen =
                texts(kit.rows(statement.replace("{t}", "silver.people"), policy(kind.access())));
        if (statement.contains("ORDER BY") && !statement.contains("OVER")) {
            assertThat(seen).containsExactlyElementsOf(expected);
        } else {
            assertThat(seen).containsExactlyInAnyOrderElementsOf(expected);
        }
    }

    /**
     * Statements by chance, from a seed that is said when one fails; {@code -Dtonle.fuzz=N} makes
     * as many.
     */
    @Test
    void showsNoMoreAndNoLessWhateverIsAsked() {
        int statements = Integer.getInteger("tonle.fuzz", 400);
        long seed = Long.getLong("tonle.seed", 42);
        int compared = 0;
        for (int i = 0; i < statements; i++) {
            String statement = PolicyStatements.byChance(seed + i);
            Kind kind = KINDS.get(i % KINDS.size());
            String about = "seed " + (seed + i) + ", " + kind + ": " + statement;
            Optional<List<String>> expected =
                    answer(statement, copyOf(kind), AccessPolicy.ALL, about);
            Optional<List<String>> seen =
                    answer(statement, "silver.people", policy(kind.access()), about);
            // what fails by a value may fail or not, by what an engine computes first
            if (expected.isPresent() && seen.isPresent()) {
                compared++;
                assertThat(seen.get())
                        .as(about)
                        .containsExactlyInAnyOrderElementsOf(expected.get());
            }
        }
        System.out.println(
                "fuzz: " + statements + " statements, " + compared + " compared, leaks 0");
        assertThat(compared).isGreaterThan(statements / 2);
    }

    /**
     * The rows, or nothing if a value made the statement fail, or if it asks for more than may be;
     * any other failure is a bug.
     */
    private Optional<List<String>> answer(
            String statement, String table, AccessPolicy policy, String about) {
        try {
            return Optional.of(texts(kit.rows(statement.replace("{t}", table), policy)));
        } catch (LakeException e) {
            if (!String.valueOf(e.getMessage()).contains("the statement has more than")) {
                assertThat(e.code())
                        .as(about + " " + e.getMessage())
                        .isEqualTo(ErrorCode.INVALID_VALUE);
            }
            return Optional.empty();
        }
    }

    private static List<String> texts(List<List<@Nullable Object>> rows) {
        return new ArrayList<>(rows.stream().map(List::toString).toList());
    }

    /** A statement that would fail, or not, by a row that isn't seen, tells nothing of it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT id FROM {t} WHERE 1 / (salary - 7000) > -1",
                "SELECT id FROM {t} WHERE CAST(ssn AS INTEGER) > 0",
                "SELECT COUNT(*) AS n FROM {t} WHERE CASE WHEN ssn = '333' THEN 1 / (salary - 7000)"
                        + " ELSE 1 END = 1",
                "SELECT x FROM (SELECT 10 / (salary - 7000) AS x FROM {t}) AS s WHERE x > -1",
                "SELECT a.id FROM {t} AS a JOIN {t} AS b ON 1 / (a.salary - 7000) < b.id",
                "SELECT 1 / (salary - 7000) AS x FROM {t}",
                // an escape of several characters is an error
                "SELECT id FROM {t} WHERE name LIKE 'B%' ESCAPE CASE WHEN salary = 7000 THEN ssn"
                        + " ELSE '!' END",
                // so is one at the end, once the rest fits
                "SELECT id FROM {t} WHERE '3' LIKE ssn ESCAPE '3'",
                "SELECT id FROM {t} WHERE name NOT LIKE 'Cy!' ESCAPE '!'",
                "SELECT id FROM {t} ORDER BY 1 / (salary - 7000)",
                "SELECT SUM(1 / (salary - 7000)) AS x FROM {t} GROUP BY region",
                "SELECT MOD(10, salary - 7000) AS x FROM {t} GROUP BY MOD(10, salary - 7000)",
                "SELECT id FROM {t} QUALIFY SUM(1 / (salary - 7000)) OVER (ORDER BY id) > -9",
                "WITH w AS (SELECT id, salary FROM {t} WHERE 1 / (salary - 7000) > -1) SELECT"
                        + " COUNT(*) AS n FROM w",
            })
    void tellsNothingByFailing(String statement) {
        // 7000 and 'not a number' are of people who aren't seen; a condition on one row is asked
        // before others, one on another table after them
        for (String filter :
                List.of(
                        "region = 'EU' AND salary > 0",
                        "id IN (SELECT who FROM silver.allowed)",
                        "EXISTS (SELECT 1 FROM silver.allowed AS a WHERE a.who = people.id)")) {
            Access access = new Access(Optional.empty(), List.of(text(filter)), Map.of(), Map.of());
            assertThat(kit.rows(statement.replace("{t}", "silver.people"), policy(access)))
                    .isNotNull();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT ssn FROM silver.people",
                "SELECT p.ssn FROM silver.people AS p",
                "SELECT id FROM silver.people WHERE ssn = '111'",
                "SELECT id FROM silver.people ORDER BY ssn",
                "SELECT COUNT(ssn) AS n FROM silver.people",
                "SELECT id FROM silver.people GROUP BY id, ssn",
                "SELECT a.id FROM silver.people AS a JOIN silver.people AS b USING (ssn)",
                "SELECT id FROM silver.people QUALIFY RANK() OVER (ORDER BY ssn) = 1",
                "SELECT (SELECT MAX(ssn) FROM silver.people) AS m",
                "WITH w AS (SELECT * FROM silver.people) SELECT ssn FROM w",
            })
    void aColumnThatIsNotGrantedIsNotThere(String statement) {
        Access access =
                new Access(
                        Optional.of(Set.of("id", "name")),
                        List.of(text("ssn <> '111'")),
                        Map.of(),
                        Map.of());
        assertThat(texts(kit.rows("SELECT * FROM silver.people", policy(access))))
                .containsExactlyInAnyOrder("[2, Bob]", "[3, Cy]", "[4, Di]", "[5, O'Hara]");
        assertThatThrownBy(() -> kit.rows(statement, policy(access)))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.INVALID_SQL);
                            assertThat(e.getMessage())
                                    .containsIgnoringCase("ssn' not found")
                                    .doesNotContain("is it");
                        });
    }

    @Test
    void aTableThatIsNotGrantedIsAnsweredLikeOneThatIsNotThere() {
        AccessPolicy policy = policy(Access.FULL);
        for (String name : List.of("silver.allowed", "silver.alowed", "silver.nothere")) {
            assertThatThrownBy(() -> kit.rows("SELECT * FROM " + name, policy))
                    .hasMessage("line 1, column 15: there is no table " + name);
        }
    }

    @Test
    void aFilterThatDoesNotFitRefusesTheTable() {
        for (String wrong :
                List.of("nosuch = 1", "id", "id = (", "COUNT(*) > 1", "READ_CSV('x') = 1")) {
            Access access = new Access(Optional.empty(), List.of(text(wrong)), Map.of(), Map.of());
            assertThatThrownBy(() -> kit.rows("SELECT id FROM silver.people", policy(access)))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_DEFINITION))
                    .hasMessageStartingWith("The row filter or a mask of silver.people");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"' OR TRUE --", "\\' OR 1=1 --", "US') OR ('' = '", "☃'\"\n;", "US' || '"})
    void anAttributeIsAValueWhateverItHolds(String value) {
        Access access =
                new Access(
                        Optional.empty(),
                        List.of(text("region = principal_attribute('region')")),
                        Map.of(),
                        Map.of("region", value));
        assertThat(kit.rows("SELECT id FROM silver.people", policy(access))).isEmpty();
        Access masked =
                new Access(
                        Optional.empty(),
                        List.of(),
                        Map.of("ssn", text("principal_attribute('region')")),
                        Map.of("region", value));
        assertThat(kit.rows("SELECT DISTINCT ssn FROM silver.people", policy(masked)))
                .isEqualTo(List.of(List.of(value)));
    }

    @Test
    void isWrittenIntoTheStatementOnlyByPolicy() {
        assertThatThrownBy(() ->
                        kit.rows(
                                "SELECT principal_attribute('region') AS x FROM silver.people",
                                policy(Access.FULL)))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED_SQL));
        assertThat(Sql.query("SELECT id FROM silver.people", kit).isGuarded()).isFalse();
    }
}
