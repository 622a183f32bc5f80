/** Avro's values as JSON, whoever holds them: a file, or a record of a topic. */
@NullMarked
package org.tonle.avro;

import org.jspecify.annotations.NullMarked;
