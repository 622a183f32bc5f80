package org.tonle.sql;

import java.util.ArrayList;
import java.util.List;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * A place in a JSON document: members and array elements from the root down, as SQL's JSON path
 * writes them: {@code $.a.b[0]}, {@code $."a b"}, {@code $['a b']}. Wildcards, filters and slices
 * are not taken. A bare {@code a.b} means {@code $.a.b}.
 *
 * @param steps from the root; none is the document itself
 */
public record JsonPath(List<Step> steps) {
    /** One step down. */
    public sealed interface Step {}

    /** To the member of an object. */
    public record Member(String name) implements Step {}

    /** To an element of an array, from 0. */
    public record Element(int index) implements Step {}

    public JsonPath {
        steps = List.copyOf(steps);
    }

    /** The path of a member of the document's own object. */
    public static JsonPath member(String name) {
        return new JsonPath(List.of(new Member(name)));
    }

    /**
     * Reads a path.
     *
     * @throws LakeException INVALID_SQL if it isn't one
     */
    public static JsonPath parse(String text) {
        return new Reader(text).read();
    }

    /** The path as SQL writes it, names in double quotes. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("$");
        for (Step step : steps) {
            switch (step) {
                case Member(String name) ->
                        text.append(".\"")
                                .append(name.replace("\\", "\\\\").replace("\"", "\\\""))
                                .append('"');
                case Element(int index) -> text.append('[').append(index).append(']');
            }
        }
        return text.toString();
    }

    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text.strip();
        }

        JsonPath read() {
            if (text.startsWith("lax ")) {
                at = 4;
            }
            List<Step> steps = new ArrayList<>();
            if (at < text.length() && text.charAt(at) == '$') {
                at++;
            } else {
                steps.add(new Member(name()));
            }
            while (at < text.length()) {
                char c = text.charAt(at++);
                if (c == '.') {
                    steps.add(new Member(name()));
                } else if (c == '[') {
                    steps.add(bracket());
                } else {
                    throw wrong();
                }
            }
            return new JsonPath(steps);
        }

        private Step bracket() {
            if (at >= text.length()) {
                throw wrong();
            }
            char c = text.charAt(at);
            Step step;
            if (c == '\'' || c == '"') {
                step = new Member(quoted(c));
            } else {
                int from = at;
                while (at < text.length() && Character.isDigit(text.charAt(at))) {
                    at++;
                }
                if (from == at || at - from > 9) {
                    throw wrong();
                }
                step = new Element(Integer.parseInt(text, from, at, 10));
            }
            if (at >= text.length() || text.charAt(at++) != ']') {
                throw wrong();
            }
            return step;
        }

        private String name() {
            if (at < text.length() && text.charAt(at) == '"') {
                return quoted('"');
            }
            int from = at;
            while (at < text.length() && ".[]\"'*?@ ".indexOf(text.charAt(at)) < 0) {
                at++;
            }
            if (from == at) {
                throw wrong();
            }
            return text.substring(from, at);
        }

        private String quoted(char quote) {
            StringBuilder name = new StringBuilder();
            for (at++; at < text.length(); at++) {
                char c = text.charAt(at);
                if (c == quote) {
                    at++;
                    return name.toString();
                }
                if (c == '\\' && at + 1 < text.length()) {
                    c = text.charAt(++at);
                }
                name.append(c);
            }
            throw wrong();
        }

        private LakeException wrong() {
            return new LakeException(
                    ErrorCode.INVALID_SQL,
                    "'"
                            + text
                            + "' is no JSON path that Tonle reads; write members and array"
                            + " elements, such as $.a.b[0] or $.\"a name\".c");
        }
    }
}
