package org.tonle.definition;

import java.nio.file.Path;

/**
 * Where table files lie.
 *
 * @param root an absolute folder of this machine; it need not exist yet
 */
public record StorageDefinition(Path root) {}
