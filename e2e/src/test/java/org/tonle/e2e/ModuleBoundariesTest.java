package org.tonle.e2e;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.properties.HasName;
import com.tngtech.archunit.core.domain.properties.HasOwner;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.tonle.catalog.LocalFileIO;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.BoundStream;
import org.tonle.sql.SqlEngine;

/**
 * Who may know whom: core modules in the order of the data, adapters behind the seams, one root.
 */
class ModuleBoundariesTest {
    private static final List<String> CORE =
            List.of(
                    "definition",
                    "ledger",
                    "catalog",
                    "sql",
                    "ingest",
                    "pipeline",
                    "query",
                    "maintenance",
                    "transfer");

    private static JavaClasses classes;

    @BeforeAll
    static void read() {
        classes =
                new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("org.tonle");
        assertThat(classes.size()).isGreaterThan(100);
    }

    private static String packages(String module) {
        return "org.tonle." + module + "..";
    }

    private static String[] packages(List<String> modules) {
        return modules.stream().map(ModuleBoundariesTest::packages).toArray(String[]::new);
    }

    private static void neverUses(String module, List<String> others) {
        noClasses()
                .that()
                .resideInAPackage(packages(module))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(packages(others))
                .check(classes);
    }

    @Test
    void aCoreModuleKnowsOnlyThoseBeforeIt() {
        for (int i = 0; i < CORE.size(); i++) {
            neverUses(CORE.get(i), CORE.subList(i + 1, CORE.size()));
        }
    }

    @Test
    void coreKnowsNoAdapterNoEmbeddedServerAndNoDoor() {
        for (String module : CORE) {
            neverUses(
                    module,
                    List.of(
                            "duckdb",
                            "openlineage",
                            "files",
                            "s3",
                            "avro",
                            "registry",
                            "embedded",
                            "lake",
                            "server",
                            "cli"));
        }
    }

    /** Only TableFiles says where on this machine a location is: there are other storages. */
    @Test
    void onlyTheCatalogTakesALocationForAPathOfThisMachine() {
        for (String method : List.of("path", "location")) {
            noClasses()
                    .that()
                    .resideOutsideOfPackages(packages("catalog"), packages("bench"))
                    .should()
                    .callMethodWhere(
                            JavaCall.Predicates.target(
                                            HasOwner.Predicates.With.owner(
                                                    JavaClass.Predicates.belongToAnyOf(
                                                            LocalFileIO.class)))
                                    .and(
                                            JavaCall.Predicates.target(
                                                    HasName.Predicates.name(method))))
                    .check(classes);
        }
    }

    @Test
    void theLedgerKnowsNoIceberg() {
        noClasses()
                .that()
                .resideInAPackage(packages("ledger"))
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.apache.iceberg..")
                .check(classes);
    }

    @Test
    void anAdapterKnowsItsSeamOnly() {
        neverUses(
                "duckdb",
                List.of("ledger", "ingest", "pipeline", "query", "embedded", "lake", "server"));
        for (String reader : List.of("files", "avro", "registry", "s3")) {
            neverUses(
                    reader,
                    List.of(
                            "ledger",
                            "catalog",
                            "sql",
                            "ingest",
                            "pipeline",
                            "query",
                            "embedded",
                            "lake",
                            "server"));
        }
        neverUses(
                "openlineage",
                List.of("catalog", "ingest", "query", "duckdb", "embedded", "lake", "server"));
    }

    @Test
    void onlyTheCompositionRootKnowsAdaptersAndEmbeddedServers() {
        for (String module : List.of("server", "cli")) {
            neverUses(
                    module,
                    List.of(
                            "duckdb",
                            "openlineage",
                            "files",
                            "s3",
                            "avro",
                            "registry",
                            "embedded",
                            "ledger",
                            "catalog",
                            "pipeline"));
        }
        neverUses("lake", List.of("server", "cli"));
        neverUses("server", List.of("cli"));
    }

    @Test
    void theSpiKnowsNothingOfOurs() {
        noClasses()
                .that()
                .resideInAPackage("org.tonle.spi..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(packages(CORE))
                .check(classes);
    }

    /** No path hands the text of a statement to an engine: engines take what was bound. */
    @Test
    void anEngineIsGivenBoundStatementsOnly() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.tonle.sql..")
                .should()
                .callConstructorWhere(
                        JavaCall.Predicates.target(
                                HasOwner.Predicates.With.owner(
                                        JavaClass.Predicates.belongToAnyOf(
                                                BoundQuery.class, BoundStream.class))))
                .check(classes);
        noClasses()
                .that()
                .resideOutsideOfPackages(packages("duckdb"), packages("bench"))
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.duckdb..")
                .check(classes);
        noMethods()
                .that()
                .areDeclaredIn(SqlEngine.class)
                .should()
                .haveRawParameterTypes(
                        DescribedPredicate.anyElementThat(
                                JavaClass.Predicates.assignableTo(CharSequence.class)))
                .check(classes);
    }
}
