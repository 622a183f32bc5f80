package org.tonle.server;

import org.apache.iceberg.rest.RESTCompatibilityKitViewCatalogTests;
import org.junit.jupiter.api.extension.ExtendWith;

/** Iceberg's REST compatibility kit, over HTTP: views. */
@ExtendWith(KitLake.class)
class IcebergViewKitIT extends RESTCompatibilityKitViewCatalogTests {}
