package org.tonle.server;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.rest.RESTCompatibilityKitCatalogTests;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Iceberg's REST compatibility kit, over HTTP: tables and namespaces. Clients remove no files, so
 * what the kit expires by way of a client is refused there.
 */
@ExtendWith(KitLake.class)
class IcebergKitIT extends RESTCompatibilityKitCatalogTests {
    @Override
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    public void testRemoveUnusedSpec(boolean withBranch) {
        assertThatThrownBy(() -> super.testRemoveUnusedSpec(withBranch))
                .isInstanceOf(ValidationException.class)
                .hasMessageContaining("GC is disabled");
    }

    @Override
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    public void testRemoveUnusedSchemas(boolean withBranch) {
        assertThatThrownBy(() -> super.testRemoveUnusedSchemas(withBranch))
                .isInstanceOf(ValidationException.class)
                .hasMessageContaining("GC is disabled");
    }
}
