/** Iceberg tables on the ledger: staging changes of several tables, change ranges, pins. */
@NullMarked
package org.tonle.catalog;

import org.jspecify.annotations.NullMarked;
