package org.tonle.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Where a command writes: data to {@code out}, everything else to {@code err}, both UTF-8.
 *
 * @param out unbuffered, so that a closed pipe is noticed
 * @param outIsTerminal whether a person reads {@code out}
 * @param errIsTerminal whether a person reads {@code err}: progress is drawn only for them
 * @param colour whether a terminal may be sent escape sequences for style (NO_COLOR unset)
 */
record Terminal(
        OutputStream out,
        PrintStream err,
        boolean outIsTerminal,
        boolean errIsTerminal,
        boolean colour) {

    /**
     * This process'. The launcher says what is a terminal: Java can only tell whether stdin and
     * stdout both are. Without it nothing is one.
     */
    static Terminal ofProcess(Map<String, String> env) {
        return new Terminal(
                new FileOutputStream(FileDescriptor.out),
                new PrintStream(
                        new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
                Boolean.getBoolean("tonle.stdout.terminal"),
                Boolean.getBoolean("tonle.stderr.terminal"),
                env.getOrDefault("NO_COLOR", "").isEmpty() && !"dumb".equals(env.get("TERM")));
    }

    /** Bold where {@code out} shows it. */
    String bold(String text) {
        return colour && outIsTerminal ? "\u001b[1m" + text + "\u001b[0m" : text;
    }
}
