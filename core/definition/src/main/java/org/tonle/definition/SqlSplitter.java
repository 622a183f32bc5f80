package org.tonle.definition;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a file of SQL at each {@code ;} that stands outside quotes and comments. Quotes are doubled
 * to stand for themselves, and comments don't nest, as in Calcite's lexer.
 */
final class SqlSplitter {
    private final String file;
    private final String text;
    private final Problems problems;
    private final List<SqlText> statements = new ArrayList<>();

    private int at;
    private int line = 1;
    private int column = 1;

    SqlSplitter(String file, String text, Problems problems) {
        this.file = file;
        this.text = text;
        this.problems = problems;
    }

    List<SqlText> split() {
        int start = -1;
        Place place = Place.startOf(file);
        while (at < text.length()) {
            char c = text.charAt(at);
            if (text.startsWith("--", at)) {
                skipLine();
            } else if (text.startsWith("/*", at)) {
                if (!skipPast("*/", 2, "the comment is never closed; write */ where it ends")) {
                    return statements;
                }
            } else if (c == ';') {
                add(start, place);
                start = -1;
                step();
            } else if (Character.isWhitespace(c)) {
                step();
            } else {
                if (start < 0) {
                    start = at;
                    place = here();
                }
                if (c == '\'' || c == '"') {
                    if (!skipPast(String.valueOf(c), 1, "the quote is never closed; write " + c)) {
                        return statements;
                    }
                } else {
                    step();
                }
            }
        }
        add(start, place);
        return statements;
    }

    private void add(int start, Place place) {
        if (start >= 0) {
            statements.add(new SqlText(place, text.substring(start, at).stripTrailing()));
        }
    }

    private void skipLine() {
        while (at < text.length() && text.charAt(at) != '\n') {
            step();
        }
    }

    // a doubled quote closes one and opens the next, which comes to the same place
    private boolean skipPast(String end, int from, String otherwise) {
        int close = text.indexOf(end, at + from);
        if (close < 0) {
            problems.add(here(), "", otherwise);
            return false;
        }
        while (at < close + end.length()) {
            step();
        }
        return true;
    }

    private void step() {
        boolean newLine = text.charAt(at) == '\n';
        at++;
        line += newLine ? 1 : 0;
        column = newLine ? 1 : column + 1;
    }

    private Place here() {
        return new Place(file, line, column);
    }
}
