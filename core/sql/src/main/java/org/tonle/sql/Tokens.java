package org.tonle.sql;

import java.util.ArrayList;
import java.util.List;
import org.apache.calcite.sql.parser.SqlParserPos;

/** A statement's text in words, names, texts and marks; comments and blanks left out. */
final class Tokens {
    enum Kind {
        /** Letters, digits and underscores: a keyword or a name. */
        WORD,
        /** A name in double quotes. */
        QUOTED,
        /** A text in single quotes. */
        TEXT,
        /** A single other character. */
        MARK
    }

    /** Text from {@code start} to before {@code end}; a quoted name's value is without quotes. */
    record Token(Kind kind, int start, int end, String value) {
        boolean is(String wordOrMark) {
            return (kind == Kind.WORD || kind == Kind.MARK) && value.equalsIgnoreCase(wordOrMark);
        }

        /** Whether a text or a quoted name of {@code text} has its end. */
        boolean isClosed(String text) {
            if (kind != Kind.TEXT && kind != Kind.QUOTED) {
                return true;
            }
            char quote = text.charAt(start);
            return text.substring(start, end).chars().filter(c -> c == quote).count() % 2 == 0;
        }

        boolean isName() {
            return kind == Kind.WORD || kind == Kind.QUOTED;
        }
    }

    private Tokens() {}

    static List<Token> of(String text) {
        List<Token> tokens = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (Character.isWhitespace(c)) {
                at++;
            } else if (text.startsWith("--", at) || text.startsWith("//", at)) {
                at = end(text.indexOf('\n', at), text, 1);
            } else if (text.startsWith("/*", at)) {
                at = end(text.indexOf("*/", at + 2), text, 2);
            } else if (c == '\'' || c == '"') {
                int end = quoted(text, at, c);
                String inner = text.substring(at + 1, Math.max(at + 1, end - 1));
                tokens.add(
                        new Token(
                                c == '"' ? Kind.QUOTED : Kind.TEXT,
                                at,
                                end,
                                inner.replace("" + c + c, "" + c)));
                at = end;
            } else if (Character.isJavaIdentifierPart(c)) {
                int end = at + 1;
                while (end < text.length() && Character.isJavaIdentifierPart(text.charAt(end))) {
                    end++;
                }
                tokens.add(new Token(Kind.WORD, at, end, text.substring(at, end)));
                at = end;
            } else {
                tokens.add(new Token(Kind.MARK, at, at + 1, String.valueOf(c)));
                at++;
            }
        }
        return tokens;
    }

    /** The line and column, from 1, of a character of {@code text}. */
    static SqlParserPos place(String text, int at) {
        int line = 1 + (int) text.substring(0, at).chars().filter(c -> c == '\n').count();
        return new SqlParserPos(line, at - text.lastIndexOf('\n', at - 1));
    }

    /** The character of {@code text} at a place. */
    static int offset(String text, SqlParserPos place) {
        int at = 0;
        for (int line = 1; line < place.getLineNum(); line++) {
            at = text.indexOf('\n', at) + 1;
        }
        return Math.min(text.length(), at + place.getColumnNum() - 1);
    }

    private static int end(int found, String text, int length) {
        return found < 0 ? text.length() : found + length;
    }

    private static int quoted(String text, int from, char quote) {
        int at = from + 1;
        while (at < text.length()) {
            if (text.charAt(at) == quote) {
                if (at + 1 < text.length() && text.charAt(at + 1) == quote) {
                    at++;
                } else {
                    return at + 1;
                }
            }
            at++;
        }
        return at;
    }

    /** {@code text} with everything but {@code [from, to)} blank, so that places stay the same. */
    static String only(String text, int from, int to) {
        return blank(text, 0, from).substring(0, to);
    }

    /** {@code text} with {@code [from, to)} blank, line ends apart. */
    static String blank(String text, int from, int to) {
        StringBuilder blanked = new StringBuilder(text);
        for (int i = from; i < to; i++) {
            if (text.charAt(i) != '\n' && text.charAt(i) != '\r') {
                blanked.setCharAt(i, ' ');
            }
        }
        return blanked.toString();
    }
}
