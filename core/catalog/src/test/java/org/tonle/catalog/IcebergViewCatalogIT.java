package org.tonle.catalog;

import java.nio.file.Path;
import java.util.Map;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.view.ViewCatalogTests;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.spi.FailPoints;

/** Iceberg's own tests of a catalog of views. */
class IcebergViewCatalogIT extends ViewCatalogTests<LedgerCatalog> {
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
        catalog =
                new LakeCatalog(ledger.emptied(), dir.resolve("warehouse"), FailPoints.NONE)
                        .iceberg("tonle");
        catalog.initialize(
                "tonle",
                Map.of(
                        "view-default.key1", "catalog-default-key1",
                        "view-default.key2", "catalog-default-key2",
                        "view-default.key3", "catalog-default-key3",
                        "view-override.key3", "catalog-override-key3",
                        "view-override.key4", "catalog-override-key4"));
    }

    @Override
    protected LedgerCatalog catalog() {
        return catalog;
    }

    @Override
    protected Catalog tableCatalog() {
        return catalog;
    }

    @Override
    protected boolean requiresNamespaceCreate() {
        return true;
    }
}
