package org.tonle.catalog;

import java.nio.file.Path;
import java.util.Map;
import org.apache.iceberg.catalog.CatalogTests;
import org.apache.iceberg.catalog.TableIdentifier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.spi.FailPoints;

/** Iceberg's own tests of a catalog. */
class IcebergCatalogIT extends CatalogTests<LedgerCatalog> {
    private static TestLedger ledger;
    @TempDir private static Path dir;
    private LedgerCatalog catalog;

    @BeforeAll
    static void open() {
        ledger = new TestLedger(dir.resolve("pg"));
    }

    @AfterAll
    static void close() {
        ledger.close();
    }

    @BeforeEach
    void fresh() {
        ledger.emptied();
        catalog =
                initCatalog(
                        "tonle",
                        Map.of(
                                "table-default.default-key1", "catalog-default-key1",
                                "table-default.default-key2", "catalog-default-key2",
                                "table-default.override-key3", "catalog-default-key3",
                                "table-override.override-key3", "catalog-override-key3",
                                "table-override.override-key4", "catalog-override-key4"));
    }

    @Override
    protected LedgerCatalog catalog() {
        return catalog;
    }

    @Override
    protected LedgerCatalog initCatalog(String name, Map<String, String> properties) {
        LedgerCatalog fresh =
                new LakeCatalog(ledger.ledger(), dir.resolve("warehouse"), FailPoints.NONE)
                        .iceberg(name);
        fresh.initialize(name, properties);
        return fresh;
    }

    /** Of tables that are made where the caller says: not in the system's /tmp, as by default. */
    @Override
    protected String baseTableLocation(TableIdentifier identifier) {
        return "file:"
                + dir.resolve("elsewhere/" + identifier.namespace() + "/" + identifier.name());
    }

    @Override
    protected boolean supportsNestedNamespaces() {
        return true;
    }

    @Override
    protected boolean requiresNamespaceCreate() {
        return true;
    }
}
