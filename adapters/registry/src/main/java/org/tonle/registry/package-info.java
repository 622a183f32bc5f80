/**
 * Records of outside topics as JSON: with the schemas of a registry that speaks as Confluent's
 * does, and as the change events that Debezium's connectors write.
 */
@NullMarked
package org.tonle.registry;

import org.jspecify.annotations.NullMarked;
