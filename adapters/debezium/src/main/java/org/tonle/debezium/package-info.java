/**
 * Changes of databases, by Debezium's connectors. They run as tasks of Kafka Connect without Kafka
 * Connect: this package asks them for records, keeps their offsets in the marks of a source, and
 * tells them what bronze has.
 */
@NullMarked
package org.tonle.debezium;

import org.jspecify.annotations.NullMarked;
