/**
 * Answers: pins the lake at one commit, binds, runs, and writes rows in the formats of the doors.
 */
@NullMarked
package org.tonle.query;

import org.jspecify.annotations.NullMarked;
