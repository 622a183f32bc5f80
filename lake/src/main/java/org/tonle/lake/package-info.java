/**
 * The one composition root: a lake folder in, a running lake out. How Java programs embed Tonle.
 */
@NullMarked
package org.tonle.lake;

import org.jspecify.annotations.NullMarked;
