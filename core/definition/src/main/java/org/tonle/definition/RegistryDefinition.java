package org.tonle.definition;

import java.net.URI;
import java.util.Optional;

/**
 * A registry of schemas with the API of Confluent's.
 *
 * @param url http or https, without a query
 * @param user who asks; empty if anybody may
 * @param password of the user
 */
public record RegistryDefinition(URI url, Optional<String> user, Optional<Secret> password) {}
