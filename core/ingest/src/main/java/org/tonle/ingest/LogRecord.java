package org.tonle.ingest;

/** A body at its place in the event log. */
record LogRecord(int partition, long position, int leaderEpoch, BodyRecord body) {}
