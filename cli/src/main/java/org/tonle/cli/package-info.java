/** The commands of {@code ./tonle}: clients of the REST API, except those that start a lake. */
@NullMarked
package org.tonle.cli;

import org.jspecify.annotations.NullMarked;
