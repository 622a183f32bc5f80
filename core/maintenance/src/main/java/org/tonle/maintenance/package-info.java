/** The lake looks after itself: what has been kept for long enough goes, and nothing else. */
@NullMarked
package org.tonle.maintenance;

import org.jspecify.annotations.NullMarked;
