package org.tonle.definition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PolicyFilesTest {
    @TempDir private Path folder;

    @BeforeEach
    void define() throws IOException {
        Files.writeString(folder.resolve("lake.yaml"), "name: lake\n");
        Files.createDirectories(folder.resolve("policies"));
    }

    private PolicyDefinition read(String... files) throws IOException {
        for (int i = 0; i < files.length; i++) {
            Files.writeString(folder.resolve("policies/p" + i + ".yaml"), files[i]);
        }
        return LakeDefinition.load(folder, Map.of()).policy();
    }

    @Test
    void aFolderWithoutPoliciesHasNone() throws IOException {
        assertThat(read()).isEqualTo(PolicyDefinition.NONE);
    }

    @Test
    void aPolicyThatIsLinkedOrMountedIntoItsPlaceHolds(@TempDir Path elsewhere) throws IOException {
        Path policies = folder.resolve("policies");
        // as Kubernetes mounts a ConfigMap
        Path mounted = Files.createDirectories(policies.resolve("..2026_01_31"));
        Files.writeString(mounted.resolve("a.yaml"), "users: {anna: {roles: [data_viewer]}}");
        Files.createSymbolicLink(policies.resolve("..data"), Path.of("..2026_01_31"));
        Files.createSymbolicLink(policies.resolve("a.yaml"), Path.of("..data/a.yaml"));
        assertThat(read().users()).hasSize(1);

        Path moved = elsewhere.resolve("policies");
        Files.move(policies, moved);
        Files.createSymbolicLink(policies, moved);
        assertThat(read().users()).hasSize(1);
    }

    @Test
    void aPolicyThatCantBeReadIsAProblemRatherThanNone() throws IOException {
        Path policies = folder.resolve("policies");
        Files.createSymbolicLink(policies.resolve("b.yaml"), Path.of("nowhere.yaml"));
        assertThat(problem()).isEqualTo("policies/b.yaml:1:1: is no file: the link leads nowhere");

        Files.delete(policies.resolve("b.yaml"));
        Files.delete(policies);
        Files.createSymbolicLink(policies, Path.of("nowhere"));
        assertThat(problem()).isEqualTo("policies:1:1: is no folder");

        Files.delete(policies);
        Files.writeString(policies, "roles: {}");
        assertThat(problem()).isEqualTo("policies:1:1: is no folder");
    }

    private String problem() {
        DefinitionException e =
                catchThrowableOfType(
                        DefinitionException.class, () -> LakeDefinition.load(folder, Map.of()));
        assertThat(e).as("nothing was refused").isNotNull();
        Problem problem = e.problems().getFirst();
        return problem.place() + ": " + problem.message().replaceFirst(";.*", "");
    }

    @Test
    void everyPartIsReadWithItsPlaceAndMayNameWhatStandsInAnotherFile() throws IOException {
        PolicyDefinition policy =
                read(
                        """
                        users:
                          anna: {roles: [analyst_eu, data_viewer], attributes: {region: EU, level: 3}}
                        masks:
                          - {column: silver.people.ssn, value: "'***'", except: [data_engineer]}
                          - tag: pii
                            value: |
                              CASE WHEN id > 0
                              THEN NULL END
                        """,
                        """
                        roles:
                          analyst_eu:
                            read:
                              - gold
                              - silver.flights
                              - {table: silver.people, columns: [id, Name]}
                              - {tag: pii}
                              - silver."odd.name"
                        tags:
                          pii: [silver.people.name, 'silver."odd.name"."a b"']
                        row-filters:
                          - {table: silver.people, where: "region = 'EU'", except: [analyst_eu]}
                        """);

        assertThat(policy.user("anna").orElseThrow().roles())
                .containsExactly("analyst_eu", "data_viewer");
        assertThat(policy.user("anna").orElseThrow().attributes())
                .isEqualTo(Map.of("region", "EU", "level", "3"));
        assertThat(policy.user("Anna")).isEmpty();
        assertThat(policy.roles().getFirst().grants())
                .extracting(
                        PolicyDefinition.Grant::namespace,
                        PolicyDefinition.Grant::table,
                        g -> g.column().map(PolicyDefinition.ColumnName::name))
                .map(Object::toString)
                .containsExactly(
                        "(\"gold\", Optional.empty, Optional.empty)",
                        "(\"silver\", Optional[flights], Optional.empty)",
                        "(\"silver\", Optional[people], Optional[id])",
                        "(\"silver\", Optional[people], Optional[Name])",
                        "(\"silver\", Optional[odd.name], Optional[a b])",
                        "(\"silver\", Optional[odd.name], Optional.empty)");
        assertThat(policy.rowFilters().getFirst().condition())
                .isEqualTo(new SqlText(new Place("policies/p1.yaml", 12, 36), "region = 'EU'"));
        assertThat(policy.rowFilters().getFirst().except()).containsExactly("analyst_eu");
        assertThat(policy.masks())
                .extracting(
                        mask -> mask.namespace() + "." + mask.table() + "." + mask.column(),
                        mask -> mask.value().text().strip())
                .map(Object::toString)
                .containsExactly(
                        "(\"silver.people.ssn\", \"'***'\")",
                        "(\"silver.people.name\", \"CASE WHEN id > 0\nTHEN NULL END\")",
                        "(\"silver.odd.name.a b\", \"CASE WHEN id > 0\nTHEN NULL END\")");
        assertThat(policy.masks().get(1).value().place())
                .isEqualTo(new Place("policies/p0.yaml", 7, 1));
        assertThat(policy.tagged()).hasSize(2);
    }

    // \n stands for a line break
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    role: {}                               | 1:1  | did you mean roles?
                    roles: [a]                             | 1:8  | takes keys of its own
                    roles: {Big: {read: [gold]}}           | 1:9  | made of a-z
                    roles: {admin: {read: [gold]}}         | 1:9  | every lake has this role
                    roles: {r: {write: lab}}               | 1:20 | takes a list
                    roles: {r: {write: [a.b.c]}}           | 1:21 | write a namespace
                    users: {a: {trusted: yes}}             | 1:22 | trusted is true or false
                    roles: {r: {reads: [gold]}}            | 1:13 | did you mean read?
                    roles: {r: {read: gold}}               | 1:19 | takes a list
                    roles: {r: {read: [gold, gold]}}       | 1:26 | by policies/p0.yaml:1:20 already
                    roles: {r: {read: [a.b, A.B]}}         | 1:25 | already
                    roles: {r: {read: [{table: a.b, columns: [c, C]}]}} | 1:46 | already
                    roles: {r: {read: [a.b.c]}}            | 1:20 | write a namespace
                    roles: {r: {read: ['']}}               | 1:13 | has no value
                    roles: {r: {read: ['a."b']}}           | 1:20 | write a namespace
                    roles: {r: {read: [a..b]}}             | 1:20 | write a namespace
                    roles: {r: {read: [{table: a.b}]}}     | 1:20 | columns is missing
                    roles: {r: {read: [{table: a.b, columns: []}]}} | 1:20 | columns is missing
                    roles: {r: {read: [{table: b, columns: [c]}]}} | 1:28 | namespace.table
                    roles: {r: {read: [{columns: [c]}]}}   | 1:20 | table is missing
                    roles: {r: {read: [{tag: pii}]}}       | 1:26 | unknown tag
                    roles: {r: {read: [{tag: t, table: a.b}]}}\\ntags: {t: [a.b.c]} | 1:20 | leave the rest out
                    roles: {r: {read: [x]}}\\nroles: {}    | 2:1  | stands twice
                    users: {a: {roles: [data_vewer]}}      | 1:21 | did you mean data_viewer?
                    users: {a: {roles: data_viewer}}       | 1:20 | takes a list
                    users: {admin: {roles: [data_viewer]}} | 1:9  | is none of admin, lake
                    users: {a: {attributes: {name: x}}}    | 1:26 | the user's name already
                    users: {a: {attributes: {x: [y]}}}     | 1:29 | takes one value
                    tags: {t: []}                          | 1:8  | a tag has columns
                    tags: {t: [a.b]}                       | 1:12 | namespace.table.column
                    row-filters: {table: a.b}              | 1:14 | takes a list
                    row-filters: [a.b]                     | 1:15 | takes entries with keys
                    row-filters: [{table: a.b}]            | 1:15 | where is missing
                    row-filters: [{where: x}]              | 1:15 | table is missing
                    row-filters: [{table: a.b, where: x, except: [nobody]}] | 1:47 | unknown role
                    masks: [{column: a.b.c}]               | 1:9  | value is missing
                    masks: [{value: x}]                    | 1:9  | write one of the two
                    masks: [{column: a.b, value: x}]       | 1:18 | namespace.table.column
                    masks: [{tag: t, value: x}]            | 1:15 | unknown tag
                    masks: [{column: a.b.c, value: x}, {column: A.b.C, value: y}] | 1:36 | at policies/p0.yaml:1:9
                    masks: [{column: a.b.c, value: x}, {tag: t, value: y}]\\ntags: {t: [a.b.c]} | 1:36 | has one mask
                    """)
    void whatCantBeMeantIsAProblemAtItsPlace(String text, String place, String message)
            throws IOException {
        Files.writeString(folder.resolve("policies/p0.yaml"), text.replace("\\n", "\n"));
        DefinitionException e =
                catchThrowableOfType(
                        DefinitionException.class, () -> LakeDefinition.load(folder, Map.of()));

        assertThat(e).as("nothing was refused").isNotNull();
        assertThat(e.problems())
                .as(e.getMessage())
                .anySatisfy(problem -> {
                    assertThat(problem.place()).hasToString("policies/p0.yaml:" + place);
                    assertThat(problem.message()).contains(message);
                });
    }

    @Test
    void aRoleOrAUserOfTwoFilesIsAProblem() throws IOException {
        String file = "roles: {r: {read: [gold]}}\nusers: {u: {roles: [r]}}\n";
        DefinitionException e =
                catchThrowableOfType(DefinitionException.class, () -> read(file, file));

        assertThat(e.problems())
                .extracting(problem -> problem.place().toString())
                .isEqualTo(List.of("policies/p1.yaml:1:9", "policies/p1.yaml:2:9"));
    }

    @Test
    void aFileThatIsNotReadIsAProblem() throws IOException {
        Files.writeString(folder.resolve("policies/p.yml"), "");
        DefinitionException e =
                catchThrowableOfType(
                        DefinitionException.class, () -> LakeDefinition.load(folder, Map.of()));
        assertThat(e.problems()).hasSize(1);
        assertThat(Optional.of(e.problems().getFirst().message()))
                .hasValueSatisfying(m -> assertThat(m).contains(".yaml are read here"));
    }
}
