package org.tonle.definition;

import java.util.Map;

/** Where the event log is. */
public sealed interface EventLogDefinition {
    /** A broker inside the process, under {@code .tonle/}. */
    record Embedded() implements EventLogDefinition {}

    /**
     * A cluster that speaks Kafka's protocol.
     *
     * @param bootstrapServers {@code host:port}, comma-separated
     * @param properties passed to every Kafka client as they are (SASL, TLS …)
     */
    record Cluster(String bootstrapServers, Map<String, Secret> properties)
            implements EventLogDefinition {
        public Cluster {
            properties = Map.copyOf(properties);
        }
    }
}
