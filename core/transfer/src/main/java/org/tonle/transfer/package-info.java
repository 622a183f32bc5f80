/** Tables that leave the lake, for a place where nobody knows of it, and tables that come. */
@NullMarked
package org.tonle.transfer;

import org.jspecify.annotations.NullMarked;
