package org.tonle.definition;

import java.util.Locale;

/** How the records of an outside topic hold their events. */
public enum TopicFormat {
    /** JSON as it is, or behind the id of its schema. */
    JSON,
    /** Avro's binary form behind the id of its schema. */
    AVRO,
    /** Protobuf's binary form behind the id of its schema. */
    PROTOBUF,
    /** Change events as Debezium's connectors write them, in JSON or behind an id as above. */
    DEBEZIUM;

    /** As a definition names it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether nothing can be read without a registry of schemas. */
    public boolean needsRegistry() {
        return this == AVRO || this == PROTOBUF;
    }
}
