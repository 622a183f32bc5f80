package org.tonle.ingest;

/**
 * Where a request became durable.
 *
 * @param accepted the number of its events
 * @param topic of the event log
 * @param repeated whether this answers a request that was taken before; nothing was added
 */
public record IngestReceipt(
        int accepted, String topic, int partition, long position, boolean repeated) {}
