package org.tonle.lake;

import java.time.Clock;
import java.util.Map;
import org.tonle.spi.FailPoints;

/**
 * What a lake is given by the program that opens it.
 *
 * @param environment where {@code ${env:NAME}} in the lake folder is looked up
 */
public record LakeOptions(Map<String, String> environment, Clock clock, FailPoints failPoints) {
    public LakeOptions {
        environment = Map.copyOf(environment);
    }

    /** This process's environment and clock. */
    public static LakeOptions ofProcess() {
        return new LakeOptions(System.getenv(), Clock.systemUTC(), FailPoints.NONE);
    }
}
