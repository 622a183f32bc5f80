/**
 * From a request to a row of bronze: the door that checks a body and makes it durable, the event
 * log it waits in, and the sink that takes it, exactly once, into {@code bronze.<source>}.
 */
@NullMarked
package org.tonle.ingest;

import org.jspecify.annotations.NullMarked;
