package org.tonle.definition;

import java.time.Duration;

/**
 * What is kept of the statements that were asked.
 *
 * @param retention after which a statement's record is removed; at most 100 years
 */
public record AuditDefinition(Duration retention) {}
