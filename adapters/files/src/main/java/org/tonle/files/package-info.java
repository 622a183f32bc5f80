/**
 * Sources of kind {@code files}: what appears in a folder is read once, whatever its format, as
 * events of JSON.
 */
@NullMarked
package org.tonle.files;

import org.jspecify.annotations.NullMarked;
