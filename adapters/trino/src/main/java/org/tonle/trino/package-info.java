/** Trino: how it writes Tonle's SQL. */
@NullMarked
package org.tonle.trino;

import org.jspecify.annotations.NullMarked;
