/**
 * A lake folder as an immutable {@link org.tonle.definition.LakeDefinition}, or every problem in it
 * with file, line and column. SQL stays text here; {@code core/sql} parses it.
 */
@NullMarked
package org.tonle.definition;

import org.jspecify.annotations.NullMarked;
