/**
 * THE transaction of the lake, in PostgreSQL: commits, versioned table pointers, positions, leases
 * and results. Knows where a table's metadata lies, and nothing of what is in it.
 */
@NullMarked
package org.tonle.ledger;

import org.jspecify.annotations.NullMarked;
