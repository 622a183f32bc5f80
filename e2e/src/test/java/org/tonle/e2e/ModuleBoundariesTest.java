package org.tonle.e2e;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Who may know whom: core modules in the order of the data, adapters behind the seams, one root.
 */
class ModuleBoundariesTest {
    private static final List<String> CORE =
            List.of("definition", "ledger", "catalog", "sql", "ingest", "pipeline", "query");

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
                    module, List.of("duckdb", "openlineage", "embedded", "lake", "server", "cli"));
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
        neverUses(
                "openlineage",
                List.of("catalog", "ingest", "query", "duckdb", "embedded", "lake", "server"));
    }

    @Test
    void onlyTheCompositionRootKnowsAdaptersAndEmbeddedServers() {
        for (String module : List.of("server", "cli")) {
            neverUses(
                    module,
                    List.of("duckdb", "openlineage", "embedded", "ledger", "catalog", "pipeline"));
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
}
