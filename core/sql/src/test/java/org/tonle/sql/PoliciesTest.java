package org.tonle.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tonle.definition.DefinitionException;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.Problem;
import org.tonle.definition.SqlText;
import org.tonle.spi.ApiKey;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

class PoliciesTest {
    private static final TableName PEOPLE = new TableName("silver", "people");

    @TempDir private Path folder;

    @BeforeEach
    void define() throws IOException {
        write("lake.yaml", "name: lake\n");
        write(
                "sources/people.yaml",
                """
                kind: http
                key: ssn
                columns: {name: string, region: string, ssn: string, age: int}
                """);
        write(
                "pipelines/p.sql",
                """
                CREATE STREAMING TABLE silver.people AS
                SELECT event_id AS id, name, region, ssn, age FROM STREAM bronze.people;
                CREATE STREAMING TABLE silver."Odd.Name" AS
                SELECT event_id AS id, name AS "a b" FROM STREAM bronze.people;
                CREATE MATERIALIZED VIEW gold.regions AS
                SELECT region, COUNT(*) AS n FROM silver.people GROUP BY region;
                CREATE MATERIALIZED VIEW mart.ages AS SELECT age FROM silver.people;
                """);
    }

    private void write(String file, String text) throws IOException {
        Path path = folder.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private LakeDefinition load() {
        return LakeDefinition.load(folder, Map.of(), Pipelines::problems);
    }

    private Policies policies(String yaml) throws IOException {
        write("policies/p.yaml", yaml);
        LakeDefinition definition = load();
        return Policies.of(definition.policy(), Pipelines.of(definition));
    }

    private static Principal with(String... roles) {
        return new Principal("somebody", Set.of(roles), Map.of());
    }

    private static List<String> seen(Policies policies, Principal principal) {
        return List.of(
                        "bronze.people",
                        "silver.people",
                        "gold.regions",
                        "mart.ages",
                        "quarantine.silver_people",
                        "system.commits")
                .stream()
                .filter(name -> {
                    String[] parts = name.split("\\.");
                    return policies.of(principal).of(new TableName(parts[0], parts[1])).isPresent();
                })
                .toList();
    }

    @Test
    void everyLakeHasRolesThatReadNoMoreThanTheirNamespaces() {
        Policies policies = Policies.BUILT_IN;

        assertThat(seen(policies, with())).isEmpty();
        assertThat(seen(policies, with("ingest"))).isEmpty();
        assertThat(seen(policies, with("nosuchrole"))).isEmpty();
        assertThat(seen(policies, with("data_viewer"))).containsExactly("gold.regions");
        assertThat(seen(policies, with("data_scientist")))
                .containsExactly("silver.people", "gold.regions");
        assertThat(seen(policies, with("data_engineer")))
                .containsExactly(
                        "bronze.people",
                        "silver.people",
                        "gold.regions",
                        "mart.ages",
                        "quarantine.silver_people");
        assertThat(seen(policies, with("admin"))).hasSize(6);
        assertThat(policies.of(Principal.LAKE)).isSameAs(AccessPolicy.ALL);
    }

    @Test
    void grantsOfAllRolesAddUpAndColumnsThatNoneGrantsArentThere() throws IOException {
        Policies policies =
                policies(
                        """
                        roles:
                          names: {read: [{table: Silver.People, columns: [ID, name]}]}
                          pii: {read: [{tag: secret}, mart]}
                          whole: {read: [silver.people, system]}
                          quoted: {read: [silver."odd.name"]}
                        tags: {secret: [silver.people.ssn]}
                        """);

        assertThat(policies.of(with("names")).of(new TableName("SILVER", "pEoPle")))
                .hasValueSatisfying(
                        access -> assertThat(access.columns()).contains(Set.of("id", "name")));
        assertThat(policies.of(with("names", "pii")).of(PEOPLE).orElseThrow().columns())
                .contains(Set.of("id", "name", "ssn"));
        assertThat(policies.of(with("names", "whole")).of(PEOPLE))
                .map(Access::isRestricted)
                .hasValue(false);
        assertThat(seen(policies, with("pii"))).containsExactly("silver.people", "mart.ages");
        assertThat(seen(policies, with("whole")))
                .containsExactly("silver.people", "system.commits");
        assertThat(policies.of(with("quoted")).of(new TableName("silver", "Odd.Name"))).isPresent();
        assertThat(policies.of(with("quoted")).of(PEOPLE)).isEmpty();
    }

    @Test
    void filtersAndMasksHoldForAllButTheRolesExceptedAndAdmin() throws IOException {
        Policies policies =
                policies(
                        """
                        row-filters:
                          - {table: silver.people, where: region = 'EU', except: [data_engineer]}
                          - {table: SILVER.PEOPLE, where: age >= 18}
                        masks:
                          - {tag: pii, value: "'***'", except: [data_scientist]}
                        tags: {pii: [silver.people.SSN, silver.people.name]}
                        """);

        Access viewer = policies.of(with("data_engineer")).of(PEOPLE).orElseThrow();
        assertThat(viewer.filters()).extracting(SqlText::text).containsExactly("age >= 18");
        assertThat(viewer.masks()).containsOnlyKeys("ssn", "name", "_key", "_sequence");
        Access scientist = policies.of(with("data_scientist")).of(PEOPLE).orElseThrow();
        assertThat(scientist.filters()).hasSize(2);
        assertThat(scientist.masks()).isEmpty();
        assertThat(scientist.attributes()).isEqualTo(Map.of("name", "somebody"));
        assertThat(policies.of(with("data_scientist", "admin"))).isSameAs(AccessPolicy.ALL);
        assertThat(policies.filters(with("admin"), PEOPLE)).isEmpty();
        assertThat(policies.masks(with("admin"), PEOPLE)).isEmpty();
    }

    @Test
    void whatOutsideClientsWriteIsSeenByWhoWritesOrMayReadIt() throws IOException {
        Policies policies =
                policies(
                        """
                        roles:
                          writer: {write: [lab, shared.mine]}
                          reader: {read: [lab]}
                        users:
                          spark: {roles: [reader], trusted: true}
                        """);
        TableName made = new TableName("LAB", "made");
        assertThat(access(policies, "writer", made).isRestricted()).isFalse();
        assertThat(access(policies, "reader", made).isRestricted()).isFalse();
        assertThat(policies.of(with("data_scientist")).of(made)).isEmpty();
        assertThat(policies.of(with("writer")).of(new TableName("shared", "other"))).isEmpty();
        // a dataset's that is defined no more
        assertThat(policies.of(with("data_scientist")).of(new TableName("silver", "old")))
                .isEmpty();
        assertThat(policies.mayWrite(with("writer"), "lab", Optional.empty())).isTrue();
        assertThat(policies.mayWrite(with("writer"), "shared", Optional.of("Mine"))).isTrue();
        assertThat(policies.mayWrite(with("writer"), "shared", Optional.of("other"))).isFalse();
        assertThat(policies.mayWrite(with("writer"), "shared", Optional.empty())).isFalse();
        assertThat(policies.mayWrite(with("reader"), "lab", Optional.of("made"))).isFalse();
        assertThat(policies.isTrusted(policies.user("spark", Set.of("reader")))).isTrue();
        assertThat(policies.isTrusted(with("reader"))).isFalse();
    }

    private static Access access(Policies policies, String role, TableName table) {
        return policies.of(with(role)).of(table).orElseThrow();
    }

    /** It may be made of what is masked, and can be named though {@code *} leaves it out. */
    @Test
    void theKeyOfATableWithAMaskIsMaskedToo() throws IOException {
        Policies policies = policies("masks: [{column: silver.people.ssn, value: \"'***'\"}]\n");
        LakeDefinition definition = load();
        PolicyValidation tables =
                new PolicyValidation(definition.policy(), Pipelines.of(definition).tables());

        BoundQuery query =
                Sql.query(
                        "SELECT _key, ssn FROM silver.people",
                        tables,
                        policies.of(with("data_scientist")));
        assertThat(query.tables().getFirst().guard().orElseThrow().tree().toString())
                .contains("CAST(NULL AS", "AS `_key`", "'***'");
    }

    @Test
    void hiddenColumnsOfATableWithAFilterCanBeNamed() throws IOException {
        Policies policies =
                policies("row-filters: [{table: silver.people, where: region = 'EU'}]\n");
        LakeDefinition definition = load();
        PolicyValidation tables =
                new PolicyValidation(definition.policy(), Pipelines.of(definition).tables());

        BoundQuery query =
                Sql.query(
                        "SELECT _key, id FROM silver.people WHERE _ingest_time IS NOT NULL",
                        tables,
                        policies.of(with("data_scientist")));
        assertThat(query.isGuarded()).isTrue();
    }

    @Test
    void aKeyHasNoMoreRolesThanItsUserHasNow() throws IOException {
        Policies policies =
                policies(
                        """
                        users:
                          anna: {roles: [data_viewer, ingest], attributes: {region: EU}}
                        """);

        assertThat(policies.of(key(Optional.of("anna"), "data_viewer", "admin")))
                .isEqualTo(new Principal("anna", Set.of("data_viewer"), Map.of("region", "EU")));
        assertThat(policies.of(key(Optional.of("gone"), "admin")).roles()).isEmpty();
        assertThat(policies.of(key(Optional.empty(), "data_viewer")))
                .isEqualTo(new Principal("key k", Set.of("data_viewer"), Map.of()));
        assertThat(policies.rolesOf("anna")).contains(Set.of("data_viewer", "ingest"));
        assertThat(policies.rolesOf("ANNA")).isEmpty();
    }

    private static ApiKey key(Optional<String> user, String... roles) {
        return new ApiKey("k", Set.of(roles), user, Instant.EPOCH, Optional.empty());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    roles: {r: {write: [silver]}}              | 1:21 | written by the datasets of pipelines/ only
                    roles: {r: {write: [mart.mine]}}           | 1:21 | written by the datasets of pipelines/ only
                    roles: {r: {write: [quarantine]}}          | 1:21 | written by the lake itself only
                    roles: {r: {write: [lab], read: [{table: lab.a, columns: [b]}]}} | 1:59 | read whole
                    roles: {r: {read: [golden]}}               | 1:20 | no table in this namespace; did you mean gold?
                    roles: {r: {read: [silver.poeple]}}        | 1:20 | no such table; did you mean silver.people?
                    roles: {r: {read: [{table: silver.people, columns: [nam]}]}} | 1:53 | no such column; did you mean name?
                    tags: {t: [silver.people.nme]}             | 1:12 | no such column; did you mean name?
                    tags: {t: [gold.people.name]}              | 1:12 | no such table
                    row-filters: [{table: silver.peple, where: "TRUE"}] | 1:23 | no such table
                    row-filters: [{table: silver.people, where: "regio = 'EU'"}] | 1:46 | Column 'regio' not found
                    row-filters: [{table: silver.people, where: region}] | 1:45 | WHERE
                    row-filters: [{table: silver.people, where: "age >"}] | 1:50 | is not expected here
                    row-filters: [{table: silver.people, where: "COUNT(*) > 1"}] | 1:46 | looks at one row
                    row-filters: [{table: silver.people, where: "NOSUCH(age)"}] | 1:46 | NOSUCH
                    row-filters: [{table: silver.people, where: "age > (SELECT MAX(n) FROM gold.region)"}] | 1:72 | there is no table gold.region; is it gold.regions?
                    row-filters: [{table: silver.people, where: "principal_attribute(region) = 'x'"}] | 1:46 | takes the name of an attribute
                    row-filters: [{table: system.commits, where: "TRUE"}] | 1:23 | no such table
                    masks: [{column: silver.people.snn, value: "NULL"}] | 1:18 | no such column; did you mean ssn?
                    masks: [{column: silver.people.ssn, value: "nosuch"}] | 1:45 | 'nosuch' not found
                    masks: [{column: silver.people.ssn, value: "ARRAY[1]"}] | 1:45 | Cast
                    """)
    void whatFitsNoTableIsAProblemAtItsPlace(String yaml, String place, String message)
            throws IOException {
        write("policies/p.yaml", yaml);

        assertThatThrownBy(this::load)
                .isInstanceOfSatisfying(
                        DefinitionException.class,
                        e ->
                                assertThat(e.problems())
                                        .as(e.getMessage())
                                        .anySatisfy(problem -> {
                                            assertThat(problem.place())
                                                    .hasToString("policies/p.yaml:" + place);
                                            assertThat(problem.message()).contains(message);
                                        }));
    }

    @Test
    void aProblemOfATagIsToldOnce() throws IOException {
        write(
                "policies/p.yaml",
                """
                tags: {t: [silver.people.nme]}
                roles: {r: {read: [{tag: t}]}, s: {read: [{tag: t}]}}
                masks: [{tag: t, value: "NULL"}]
                """);

        assertThatThrownBy(this::load)
                .isInstanceOfSatisfying(
                        DefinitionException.class,
                        e ->
                                assertThat(e.problems())
                                        .extracting(Problem::toString)
                                        .containsExactly(
                                                "policies/p.yaml:1:12: \"nme\": silver.people has no such column; did you mean name?"));
    }

    @Test
    void whoAsksForWhatIsntShownIsAnsweredAsIfItWerentThere() throws IOException {
        Policies policies =
                policies("roles: {names: {read: [{table: silver.people, columns: [id, name]}]}}\n");
        LakeDefinition definition = load();
        PolicyValidation tables =
                new PolicyValidation(definition.policy(), Pipelines.of(definition).tables());
        AccessPolicy names = policies.of(with("names"));

        for (String sql :
                List.of(
                        "SELECT n FROM gold.regions",
                        "SELECT n FROM GOLD.Regions",
                        "SELECT n FROM \"gold\".\"regions\"",
                        "WITH x AS (SELECT n FROM gold.regions) SELECT * FROM x",
                        "SELECT id FROM silver.people WHERE age > (SELECT MAX(n) FROM"
                                + " gold.regions)")) {
            assertThatThrownBy(() -> Sql.query(sql, tables, names))
                    .as(sql)
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_SQL))
                    .hasMessageNotContaining("is it gold");
        }
        for (String column : List.of("ssn", "SSN", "\"ssn\"", "p.ssn", "_key")) {
            assertThatThrownBy(() ->
                            Sql.query(
                                    "SELECT " + column + " FROM silver.people AS p", tables, names))
                    .as(column)
                    .hasMessageContaining("not found");
        }
        assertThat(Sql.query("SELECT * FROM silver.people", tables, names).schema().columns())
                .extracting(c -> c.name())
                .containsExactly("id", "name");
    }

    private List<String> warnings(String yaml) throws IOException {
        Policies policies = policies(yaml);
        return policies.warnings(Pipelines.of(load())).stream().map(Problem::toWarning).toList();
    }

    @Test
    void aMaskWarnsOfRolesThatReadTheSameElsewhere() throws IOException {
        write(
                "pipelines/copies.sql",
                """
                CREATE STREAMING TABLE silver.again AS SELECT event_id AS id, ssn AS number, name
                FROM STREAM bronze.people;
                CREATE MATERIALIZED VIEW gold.top AS SELECT MAX(ssn) AS top, COUNT(*) AS n
                FROM silver.people GROUP BY region;
                """);
        assertThat(
                        warnings(
                                """
                                masks:
                                  - {column: silver.people.ssn, value: "'***'"}
                                """))
                .containsExactly(
                        "policies/p.yaml:2:14: warning: \"silver.people.ssn\": is masked, and stays"
                                + " readable without the mask: by data_engineer in"
                                + " bronze.people.payload, bronze.people.ssn, gold.top.top,"
                                + " quarantine.silver_Odd.Name.message,"
                                + " quarantine.silver_Odd.Name.payload,"
                                + " quarantine.silver_again.message, quarantine.silver_again.payload,"
                                + " quarantine.silver_people.message,"
                                + " quarantine.silver_people.payload, silver.again.number; by"
                                + " data_scientist in gold.top.top, silver.again.number; by"
                                + " data_viewer in gold.top.top. Mask these too, or don't grant them;"
                                + " or let the role see the column, by except");
    }

    @Test
    void aMaskIsQuietWhereNobodyItHoldsForReadsTheSame() throws IOException {
        assertThat(
                        warnings(
                                """
                                roles: {analyst: {read: [gold, {table: silver.people, columns: [id, ssn]}]}}
                                masks:
                                  - {column: silver.people.ssn, value: "'***'", except: [data_engineer]}
                                """))
                .isEmpty();
        assertThat(
                        warnings(
                                """
                                roles: {auditor: {read: [{table: bronze.people, columns: [ssn, name]}]}}
                                masks:
                                  - {column: silver.people.ssn, value: "'***'", except: [data_engineer]}
                                  - {column: bronze.people.ssn, value: "'***'", except: [data_engineer]}
                                """))
                .isEmpty();
        assertThat(
                        warnings(
                                """
                                roles: {auditor: {read: [{table: bronze.people, columns: [ssn, name]}]}}
                                masks:
                                  - {column: silver.people.ssn, value: "'***'", except: [data_engineer]}
                                """))
                .singleElement()
                .asString()
                .contains("by auditor in bronze.people.ssn. Mask");
    }
}
