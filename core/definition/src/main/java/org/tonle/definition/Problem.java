package org.tonle.definition;

/**
 * One thing in a lake folder that can't be meant as it stands.
 *
 * @param place where
 * @param value what stands there, shortened if long; empty where something is missing. Never a
 *     secret.
 * @param message what is wrong and what to write instead
 */
public record Problem(Place place, String value, String message) {
    private static final int SHOWN = 80;

    public Problem {
        value = value.length() > SHOWN ? value.substring(0, SHOWN) + "…" : value;
    }

    /** As {@link #toString}, of something that may be meant all the same. */
    public String toWarning() {
        return place + ": warning: " + said();
    }

    @Override
    public String toString() {
        return place + ": " + said();
    }

    private String said() {
        return (value.isEmpty() ? "" : "\"" + value + "\": ") + message;
    }
}
