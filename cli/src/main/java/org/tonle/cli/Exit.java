package org.tonle.cli;

/** What a command's exit status says; part of the interface, listed by {@code --help}. */
final class Exit {
    static final int OK = 0;

    /** It was tried and failed; stderr says why. */
    static final int FAILED = 1;

    /** The command line is wrong. */
    static final int USAGE = 2;

    /** The lake folder has problems; stderr lists them. */
    static final int INVALID = 3;

    /** No lake is running there. */
    static final int NOT_RUNNING = 4;

    private Exit() {}
}
