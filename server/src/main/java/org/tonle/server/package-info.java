/** The lake's doors: REST, health and metrics, on one port of the loopback interface. */
@NullMarked
package org.tonle.server;

import org.jspecify.annotations.NullMarked;
