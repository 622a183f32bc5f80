/** The embedded SQL engine: DuckDB in this process, files bound by path. */
@NullMarked
package org.tonle.duckdb;

import org.jspecify.annotations.NullMarked;
