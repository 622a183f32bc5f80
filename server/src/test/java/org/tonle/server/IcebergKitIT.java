package org.tonle.server;

import org.apache.iceberg.rest.RESTCompatibilityKitCatalogTests;
import org.junit.jupiter.api.extension.ExtendWith;

/** Iceberg's REST compatibility kit, over HTTP: tables and namespaces. */
@ExtendWith(KitLake.class)
class IcebergKitIT extends RESTCompatibilityKitCatalogTests {}
