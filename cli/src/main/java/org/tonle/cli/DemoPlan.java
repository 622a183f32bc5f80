package org.tonle.cli;

/**
 * What the demo's feeder does with the first {@code events} flights, decided by their number alone,
 * so that a second run on the same folder sends the same requests again.
 *
 * @param events intact flights, each with an id of its own
 */
record DemoPlan(long events) {
    static final int MOST_EVENTS = 3_000_000;
    static final int PER_BODY = 5_000;

    /** Valid JSON of the wrong shape, spread over all bodies. */
    static final int MALFORMED = 300;

    private static final int RESEND_EVERY = 100;
    private static final int REPEAT_EVERY = 10;
    private static final int REPEATED = 10;

    int bodies() {
        return (int) ((events + PER_BODY - 1) / PER_BODY);
    }

    /** Flights in a body. */
    int flightsIn(int body) {
        return (int) Math.min(PER_BODY, events - (long) body * PER_BODY);
    }

    /** Malformed events in a body. */
    int malformedIn(int body) {
        return (int) ((body + 1L) * MALFORMED / bodies() - (long) body * MALFORMED / bodies());
    }

    /** The number of the first malformed event in a body. */
    int firstMalformedIn(int body) {
        return (int) ((long) body * MALFORMED / bodies());
    }

    /** Flights of the body before (of the first: its own) that a body brings once more. */
    int repeatedIn(int body) {
        if (body % REPEAT_EVERY != 0) {
            return 0;
        }
        return Math.min(REPEATED, flightsIn(Math.max(0, body - 1)));
    }

    /** Whether a request is sent again with its key, as if its answer had been lost. */
    boolean resends(int body) {
        return body % RESEND_EVERY == 0;
    }

    int resent() {
        return (bodies() + RESEND_EVERY - 1) / RESEND_EVERY;
    }

    long duplicates() {
        long duplicates = 0;
        for (int body = 0; body < bodies(); body += REPEAT_EVERY) {
            duplicates += repeatedIn(body);
        }
        return duplicates;
    }

    long bronzeRows() {
        return events + MALFORMED + duplicates();
    }
}
