/**
 * PostgreSQL and Kafka as the lake brings them along: started, adopted and stopped here, durable,
 * on loopback only, and closed to whoever doesn't know the generated password.
 */
@NullMarked
package org.tonle.embedded;

import org.jspecify.annotations.NullMarked;
