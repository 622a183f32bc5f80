/** Runs of datasets, told to catalogs outside in OpenLineage's form. */
@NullMarked
package org.tonle.openlineage;

import org.jspecify.annotations.NullMarked;
