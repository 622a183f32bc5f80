package org.tonle.server;

import java.time.Duration;

/**
 * How a server behaves.
 *
 * @param port of the loopback interface; 0 picks a free one
 * @param ingests requests taken in at once; more are refused with 429
 * @param queries that run, wait or arrive at once; more are refused with 429, and of one principal
 *     as many as there are free places
 * @param bodyBytes of all requests that are in memory at once; more are refused with 429
 * @param drain how long {@link LakeServer#close} waits for requests in flight
 */
public record ServerOptions(int port, int ingests, int queries, long bodyBytes, Duration drain) {
    /** What suits a laptop. */
    public static ServerOptions onPort(int port) {
        return new ServerOptions(
                port,
                256,
                256,
                Math.max(64L << 20, Runtime.getRuntime().maxMemory() / 8),
                Duration.ofSeconds(2));
    }
}
