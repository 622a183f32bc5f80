package org.tonle.cli;

import java.io.PrintStream;
import java.util.Locale;

/**
 * One stage after the other on stderr. On a terminal each is a bar that moves in place; elsewhere
 * it is one line when it ends.
 */
final class Progress {
    private static final int WIDTH = 30;

    private final PrintStream err;
    private final boolean moving;

    Progress(Terminal terminal) {
        this.err = terminal.err();
        this.moving = terminal.errIsTerminal();
    }

    /** A stage that ends when {@code total} is reached. */
    Stage stage(String name, String unit, long total) {
        return new Stage(name, unit, total);
    }

    /** Used by one thread. */
    final class Stage {
        private final String name;
        private final String unit;
        private final long total;
        private final long start = System.nanoTime();

        private Stage(String name, String unit, long total) {
            this.name = name;
            this.unit = unit;
            this.total = total;
        }

        void at(long done) {
            if (moving) {
                int filled = total == 0 ? 0 : (int) Math.min(WIDTH, WIDTH * done / total);
                err.print("\r" + line(done, "█".repeat(filled) + "░".repeat(WIDTH - filled)));
                err.flush();
            }
        }

        /** Returns the seconds that the stage took. */
        double end(long done) {
            double seconds = (System.nanoTime() - start) / 1e9;
            at(done);
            if (moving) {
                err.println(String.format(Locale.ROOT, "  %.1f s", seconds));
            } else {
                err.println(line(done, "") + String.format(Locale.ROOT, "  %.1f s", seconds));
            }
            return seconds;
        }

        private String line(long done, String bar) {
            return String.format(Locale.ROOT, "%-10s %s %,12d %-8s", name, bar, done, unit);
        }
    }

    void say(String line) {
        err.println(line);
    }
}
