/** Spark: how it writes Tonle's SQL. */
@NullMarked
package org.tonle.spark;

import org.jspecify.annotations.NullMarked;
