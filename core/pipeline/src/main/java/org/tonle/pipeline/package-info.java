/**
 * Bronze to silver to gold: what is new in the ledger runs through a dataset's SELECT, and commits.
 */
@NullMarked
package org.tonle.pipeline;

import org.jspecify.annotations.NullMarked;
