package org.tonle.definition;

import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/** Where events about runs of datasets go, in OpenLineage's form. */
public sealed interface LineageDefinition {
    /**
     * A file that grows by a line per event.
     *
     * @param path absolute
     */
    record File(Path path) implements LineageDefinition {}

    /**
     * A server that takes events.
     *
     * @param url each event is posted there
     * @param apiKey what requests bear as their token
     */
    record Http(URI url, Optional<Secret> apiKey) implements LineageDefinition {}
}
