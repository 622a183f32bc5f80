package org.tonle.ingest;

/**
 * The topic of one source, as it was found or made.
 *
 * @param topicId Kafka's own; another one means that the topic was deleted and made anew
 * @param clusterId Kafka's own
 */
record SourceTopic(String name, String topicId, String clusterId, int partitions) {}
