/**
 * Tonle's SQL: parsed and bound with Apache Calcite against pinned tables, printed in an engine's
 * dialect, and run only by a {@link org.tonle.sql.SqlEngine}.
 *
 * <p>The original text of a statement never reaches an engine: what an engine runs is printed from
 * the bound tree, and a {@link org.tonle.sql.BoundQuery} or {@link org.tonle.sql.BoundStream} can
 * be made only here.
 */
@NullMarked
package org.tonle.sql;

import org.jspecify.annotations.NullMarked;
