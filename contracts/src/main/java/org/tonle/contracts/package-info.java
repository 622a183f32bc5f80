/** One contract test for each seam: every implementation extends it and passes all of it. */
@NullMarked
package org.tonle.contracts;

import org.jspecify.annotations.NullMarked;
