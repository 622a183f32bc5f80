package org.tonle.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.DefinitionException;
import org.tonle.definition.DriftPolicy;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.PolicyDefinition;
import org.tonle.definition.Problem;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SqlText;

class PipelinesTest {
    private static final SourceDefinition FLIGHTS =
            new SourceDefinition(
                    "flights",
                    new Place("sources/flights.yaml", 1, 1),
                    "id",
                    Optional.empty(),
                    Optional.empty(),
                    List.of(
                            column("origin", ColumnType.Simple.STRING),
                            column("delay", ColumnType.Simple.INT),
                            column("fare", new ColumnType.Decimal(10, 2))),
                    1,
                    SourceDefinition.DEFAULT_RETENTION,
                    SourceDefinition.named("flights").kind());

    private static ColumnDefinition column(String name, ColumnType type) {
        return new ColumnDefinition(
                name, type, JsonPath.field(name), false, new Place("sources/flights.yaml", 2, 1));
    }

    private static Pipelines plan(String... statements) {
        return Pipelines.of(
                List.of(FLIGHTS),
                IntStream.range(0, statements.length)
                        .mapToObj(i ->
                                new SqlText(
                                        new Place("pipelines/p.sql", 10 * i + 1, 1), statements[i]))
                        .toList());
    }

    private static List<String> problems(String... statements) {
        DefinitionException e =
                catchThrowableOfType(DefinitionException.class, () -> plan(statements));
        return e.problems().stream().map(Problem::toString).toList();
    }

    @Test
    void ordersDatasetsAfterWhatTheyReadAndSaysTheirColumns() {
        Pipelines pipelines =
                plan(
                        "CREATE MATERIALIZED VIEW gold.r AS SELECT origin, COUNT(*) AS n, SUM(delay)"
                                + " AS total, AVG(fare) AS mean, SUM(fare) AS paid FROM Silver.F"
                                + " GROUP BY 1",
                        "CREATE STREAMING TABLE silver.f (CONSTRAINT c EXPECT (delay > 0)) AS SELECT"
                                + " event_id AS id, origin, delay, fare FROM STREAM bronze.flights");
        assertThat(pipelines.datasets().stream().map(p -> p.dataset().name().toString()))
                .containsExactly("silver.f", "gold.r");
        assertThat(pipelines.datasets().get(0).schema().asStruct())
                .hasToString(
                        "struct<1: id: required string, 2: origin: optional string, 3: delay:"
                                + " optional int, 4: fare: optional decimal(10, 2), 5: _key:"
                                + " required string, 6: _ingest_time: required timestamptz>");
        assertThat(pipelines.datasets().get(1).schema().asStruct())
                .hasToString(
                        "struct<1: origin: optional string, 2: n: required long, 3: total: optional"
                                + " long, 4: mean: optional double, 5: paid: optional decimal(38,"
                                + " 2)>");
    }

    @Test
    void reportsEveryProblemAtOnceWithItsPlace() {
        assertThat(
                        problems(
                                "CREATE STREAMING TABLE silver.f AS\nSELECT orign FROM STREAM"
                                        + " bronze.flights",
                                "CREATE MATERIALIZED VIEW gold.g AS SELECT * FROM silver.f",
                                "CREATE MATERIALIZED VIEW gold.h AS SELECT * FROM silver.ff",
                                "CREATE MATERIALIZED VIEW gold.i AS SELECT a FROM gold.j",
                                "CREATE MATERIALIZED VIEW gold.j AS SELECT a FROM gold.i",
                                "CREATE MATERIALIZED VIEW bronze.k AS SELECT 1 AS a FROM"
                                        + " bronze.flights",
                                "CREATE MATERIALIZED VIEW GOLD.G AS SELECT 1 AS a FROM"
                                        + " bronze.flights"))
                .containsExactly(
                        "pipelines/p.sql:2:8: Column 'orign' not found in any table; is it origin?;"
                                + " without silver.f there is no gold.g; bronze.flights.orign goes into"
                                + " silver.f.orign, gold.g.orign",
                        "pipelines/p.sql:21:50: there is no table silver.ff; is it silver.f?",
                        "pipelines/p.sql:31:1: \"gold.i\": this dataset reads itself by way of"
                                + " [gold.j]; a circle can't be computed",
                        "pipelines/p.sql:41:1: \"gold.j\": this dataset reads itself by way of"
                                + " [gold.i]; a circle can't be computed",
                        "pipelines/p.sql:51:1: \"bronze.k\": Tonle itself makes the tables of bronze;"
                                + " put datasets into silver, gold or a namespace of your own",
                        "pipelines/p.sql:61:1: \"GOLD.G\": a dataset of this name is declared at"
                                + " pipelines/p.sql:11:1");
    }

    @Test
    void takesColumnsThatEventsMayBringIntoTheTablesOfASourceThatGrows() {
        List<SqlText> statements =
                List.of(
                        text(
                                "CREATE STREAMING TABLE silver.f AS SELECT id, fresh FROM STREAM"
                                        + " bronze.grown"),
                        text(
                                "CREATE MATERIALIZED VIEW gold.g AS SELECT SUM(fresh) + 1 AS n FROM"
                                        + " silver.f"),
                        text(
                                "CREATE STREAMING TABLE silver.all AS SELECT * FROM STREAM bronze.grown"),
                        text(
                                "CREATE MATERIALIZED VIEW gold.h AS SELECT MAX(other) AS n FROM"
                                        + " silver.all"));
        SourceDefinition plain = SourceDefinition.named("grown");
        SourceDefinition grown =
                new SourceDefinition(
                        "grown",
                        plain.place(),
                        "event_id",
                        Optional.empty(),
                        Optional.empty(),
                        List.of(column("id", ColumnType.Simple.INT)),
                        1,
                        plain.retention(),
                        plain.kind(),
                        DriftPolicy.EVOLVE);
        assertThat(
                        Pipelines.of(List.of(grown), statements).datasets().stream()
                                .map(p -> p.dataset().name().toString()))
                .containsExactlyInAnyOrder("silver.f", "gold.g", "silver.all", "gold.h");
        assertThat(
                        Pipelines.problems(
                                List.of(grown, FLIGHTS),
                                List.of(
                                        text(
                                                "CREATE STREAMING TABLE silver.f AS SELECT fresh AS b FROM STREAM bronze.flights"),
                                        text(
                                                "CREATE STREAMING TABLE silver.g AS SELECT nothing(id) AS b"
                                                        + " FROM STREAM bronze.grown")),
                                PolicyDefinition.NONE))
                .hasSize(2);
    }

    private static SqlText text(String statement) {
        return new SqlText(new Place("pipelines/p.sql", 1, 1), statement);
    }

    @Test
    void refusesTwoDatasetsThatWouldShareAQuarantine() {
        String from = " AS SELECT origin FROM STREAM bronze.flights";
        assertThat(
                        problems(
                                "CREATE STREAMING TABLE silver.a_b" + from,
                                "CREATE STREAMING TABLE silver_a.b" + from))
                .containsExactly(
                        "pipelines/p.sql:11:1: \"silver_a.b\": what it refuses goes to"
                                + " quarantine.silver_a_b, and so does what another dataset refuses;"
                                + " rename one of them");
    }

    @Test
    void refusesWhatAStreamingTableCantDoRowByRow() {
        String from = " FROM STREAM bronze.flights";
        List<String> selects =
                List.of(
                        "SELECT COUNT(*) AS n" + from,
                        "SELECT sum(delay) AS n" + from,
                        "SELECT DISTINCT origin" + from,
                        "SELECT origin" + from + " GROUP BY origin",
                        "SELECT origin" + from + " ORDER BY origin",
                        "SELECT origin" + from + " LIMIT 5",
                        "SELECT ROW_NUMBER() OVER (ORDER BY delay) AS n" + from,
                        "SELECT origin" + from + " UNION ALL SELECT origin" + from,
                        "SELECT f.origin" + from + " AS f JOIN STREAM bronze.flights AS g ON true",
                        "SELECT f.origin" + from + " AS f, STREAM bronze.flights AS g",
                        "SELECT origin FROM (SELECT origin" + from + ")",
                        "SELECT origin" + from + " WHERE delay = (SELECT 1 FROM bronze.flights)",
                        "WITH f AS (SELECT origin" + from + ") SELECT origin FROM f");
        for (String select : selects) {
            assertThat(problems("CREATE STREAMING TABLE silver.f AS " + select))
                    .singleElement()
                    .asString()
                    .as(select)
                    .contains("a streaming table can't have");
        }
    }

    @Test
    void refusesExpectationsThatAreNoConditionsOnTheTablesColumns() {
        String rest = ") AS SELECT origin AS o FROM STREAM bronze.flights";
        assertThat(
                        problems(
                                "CREATE STREAMING TABLE silver.f (CONSTRAINT c EXPECT (delay > 0)"
                                        + rest))
                .containsExactly("pipelines/p.sql:1:55: Column 'delay' not found in any table");
        assertThat(
                        problems(
                                "CREATE STREAMING TABLE silver.f (CONSTRAINT c EXPECT (upper(o))"
                                        + rest))
                .containsExactly(
                        "pipelines/p.sql:1:55: expectation c is no condition but of type string");
    }

    @Test
    void demandsNamesOfADatasetsColumns() {
        assertThat(
                        problems(
                                "CREATE STREAMING TABLE silver.f AS SELECT delay + 1 FROM STREAM bronze.flights"))
                .containsExactly(
                        "pipelines/p.sql:1:1: column 1 of silver.f needs a name: write AS and one"
                                + " after it");
        assertThat(
                        problems(
                                "CREATE MATERIALIZED VIEW gold.f AS SELECT delay, 1 AS Delay FROM bronze.flights"))
                .containsExactly(
                        "pipelines/p.sql:1:1: two columns of gold.f are called Delay; name one"
                                + " differently with AS");
        assertThat(
                        problems(
                                "CREATE MATERIALIZED VIEW gold.f AS SELECT 1 AS _key FROM bronze.flights"))
                .singleElement()
                .asString()
                .contains("can't be called _key");
    }

    @Test
    void letsAViewReadWhatAStreamingTableRefused() {
        Pipelines pipelines =
                plan(
                        "CREATE MATERIALIZED VIEW gold.refused AS SELECT reason, \"rule\", COUNT(*)"
                                + " AS n FROM quarantine.Silver_f GROUP BY reason, \"rule\"",
                        "CREATE STREAMING TABLE silver.f AS SELECT origin FROM STREAM"
                                + " bronze.flights");
        assertThat(pipelines.datasets().stream().map(p -> p.dataset().name().toString()))
                .containsExactly("silver.f", "gold.refused");
        assertThat(
                        problems(
                                "CREATE MATERIALIZED VIEW gold.r AS SELECT 1 AS a FROM quarantine.gold_r"))
                .singleElement()
                .asString()
                .contains("reads itself");
    }

    @Test
    void aColumnThatIsGoneNamesEveryDatasetThatGoesWithIt() {
        assertThat(
                        problems(
                                "CREATE STREAMING TABLE silver.f AS SELECT event_id AS id FROM STREAM"
                                        + " bronze.flights",
                                "CREATE MATERIALIZED VIEW gold.top AS SELECT worst FROM gold.worst",
                                "CREATE MATERIALIZED VIEW gold.worst AS SELECT MAX(delay) AS worst"
                                        + " FROM silver.f",
                                "CREATE MATERIALIZED VIEW gold.n AS SELECT COUNT(*) AS n FROM"
                                        + " silver.f"))
                .singleElement()
                .asString()
                .contains("delay")
                .endsWith(
                        "; without gold.worst there is no gold.top; silver.f.delay goes into"
                                + " gold.worst.worst, gold.top.worst");
    }

    @Test
    void everyColumnThatIsGoneIsNamedWithAllThatIsMadeOfItOrNamesItAndInAnyType() {
        PolicyDefinition policy =
                new PolicyDefinition(
                        List.of(
                                new PolicyDefinition.Role(
                                        "analyst",
                                        List.of(
                                                new PolicyDefinition.Grant(
                                                        "gold",
                                                        Optional.of("worst"),
                                                        Optional.of(
                                                                new PolicyDefinition.ColumnName(
                                                                        "worst", at(3))),
                                                        at(2))),
                                        List.of(),
                                        at(1))),
                        List.of(),
                        List.of(),
                        List.of(
                                new PolicyDefinition.RowFilter(
                                        "silver",
                                        "f",
                                        new SqlText(at(5), "late > 0"),
                                        List.of(),
                                        at(4))),
                        List.of(
                                new PolicyDefinition.ColumnMask(
                                        "bronze",
                                        "flights",
                                        "DELAYED",
                                        new SqlText(at(7), "NULL"),
                                        List.of(),
                                        at(6))));
        List<Problem> problems =
                Pipelines.problems(
                        List.of(FLIGHTS),
                        List.of(
                                text(
                                        1,
                                        "CREATE STREAMING TABLE silver.f AS SELECT event_id AS id,"
                                                + " delayed + 1 AS late, EXTRACT(YEAR FROM landed)"
                                                + " AS y FROM STREAM bronze.flights"),
                                text(
                                        11,
                                        "CREATE MATERIALIZED VIEW gold.worst AS SELECT y,"
                                                + " MAX(late) AS worst FROM silver.f GROUP BY y"),
                                text(
                                        21,
                                        "CREATE MATERIALIZED VIEW gold.late AS SELECT COUNT(*) AS n"
                                                + " FROM silver.f WHERE late > 5"),
                                text(
                                        31,
                                        "CREATE MATERIALIZED VIEW gold.other AS SELECT delayed AS d"
                                                + " FROM bronze.flights")),
                        policy);
        assertThat(problems)
                .extracting(Problem::toString)
                .containsExactly(
                        "pipelines/p.sql:1:59: Column 'delayed' not found in any table; is it delay?;"
                                + " without silver.f there is no gold.worst, no gold.late;"
                                + " bronze.flights.delayed goes into silver.f.late, gold.other.d,"
                                + " gold.worst.worst, decides the rows of gold.late, is used, itself"
                                + " or in what is made of it, by a grant of analyst"
                                + " policies/p.yaml:3:1, the row filter policies/p.yaml:4:1, the mask"
                                + " policies/p.yaml:6:1",
                        "pipelines/p.sql:1:98: Column 'landed' not found in any table; without"
                                + " silver.f there is no gold.worst, no gold.late;"
                                + " bronze.flights.landed goes into silver.f.y, gold.worst.y",
                        "pipelines/p.sql:31:47: Column 'delayed' not found in any table; is it"
                                + " delay?; bronze.flights.delayed goes into gold.other.d, is used,"
                                + " itself or in what is made of it, by the mask policies/p.yaml:6:1");
    }

    private static Place at(int line) {
        return new Place("policies/p.yaml", line, 1);
    }

    private static SqlText text(int line, String sql) {
        return new SqlText(new Place("pipelines/p.sql", line, 1), sql);
    }
}
