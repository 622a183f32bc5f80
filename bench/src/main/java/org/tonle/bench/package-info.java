/** {@code ./dev bench NAME}: what Tonle costs, beside what the same work costs at least. */
@NullMarked
package org.tonle.bench;

import org.jspecify.annotations.NullMarked;
