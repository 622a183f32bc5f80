/**
 * What every module of the lake shares: errors, and the named points at which a test can kill it.
 */
@NullMarked
package org.tonle.spi;

import org.jspecify.annotations.NullMarked;
