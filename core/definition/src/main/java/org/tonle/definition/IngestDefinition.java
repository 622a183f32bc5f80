package org.tonle.definition;

import java.time.Duration;

/**
 * When a file of bronze is closed and committed: whatever comes first.
 *
 * @param commitInterval age of the file's first event
 * @param commitSizeBytes bytes of payload in it
 */
public record IngestDefinition(Duration commitInterval, long commitSizeBytes) {}
