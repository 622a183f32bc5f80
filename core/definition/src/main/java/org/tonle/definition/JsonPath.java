package org.tonle.definition;

import java.util.ArrayList;
import java.util.List;

/**
 * The way from a JSON object to one value in it: {@code $.a.b[0]}, {@code $['a field']}. No
 * wildcards, filters or slices: a path names at most one value.
 *
 * @param steps in order, at least one
 */
public record JsonPath(List<Step> steps) {
    /** One step down. */
    public sealed interface Step {}

    /** To the value of a field of an object, by its exact name. */
    public record Field(String name) implements Step {}

    /** To an element of an array, from 0. */
    public record Index(int at) implements Step {}

    public JsonPath {
        steps = List.copyOf(steps);
        if (steps.isEmpty()) {
            throw new IllegalArgumentException("a path needs at least one step after $");
        }
    }

    /** The field {@code name} at the top of the object. */
    public static JsonPath field(String name) {
        return new JsonPath(List.of(new Field(name)));
    }

    /**
     * Reads {@code $.a.b[0]['c d']."e f"}.
     *
     * @throws IllegalArgumentException saying at which character it stops being a path
     */
    public static JsonPath parse(String text) {
        if (!text.startsWith("$")) {
            throw new IllegalArgumentException("a path starts with $, like $.customer.id");
        }
        List<Step> steps = new ArrayList<>();
        int at = 1;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (text.startsWith(".\"", at)) {
                int close = text.indexOf('"', at + 2);
                if (close < 0) {
                    throw stops(at, "the quote is never closed");
                }
                steps.add(new Field(text.substring(at + 2, close)));
                at = close + 1;
            } else if (c == '.') {
                int end = at + 1;
                while (end < text.length() && ".[]'\"*@?$ ".indexOf(text.charAt(end)) < 0) {
                    end++;
                }
                if (end == at + 1) {
                    throw stops(at, "a field name has to follow the dot");
                }
                steps.add(new Field(text.substring(at + 1, end)));
                at = end;
            } else if (c == '[') {
                int close = closing(text, at);
                steps.add(bracket(text.substring(at + 1, close), at));
                at = close + 1;
            } else {
                throw stops(at, "a . or [ has to stand here");
            }
        }
        if (steps.isEmpty()) {
            throw new IllegalArgumentException("it names the whole event; name a field, like $.id");
        }
        return new JsonPath(steps);
    }

    private static int closing(String text, int open) {
        int from = open + 1;
        if (from < text.length() && (text.charAt(from) == '\'' || text.charAt(from) == '"')) {
            int quote = text.indexOf(text.charAt(from), from + 1);
            if (quote < 0) {
                throw stops(open, "the quote is never closed");
            }
            from = quote + 1;
        }
        int close = text.indexOf(']', from);
        if (close < 0) {
            throw stops(open, "the [ is never closed");
        }
        return close;
    }

    private static Step bracket(String inside, int at) {
        if (inside.length() >= 2 && (inside.startsWith("'") || inside.startsWith("\""))) {
            if (inside.charAt(inside.length() - 1) != inside.charAt(0)) {
                throw stops(at, "only a closing ] may follow the quote");
            }
            return new Field(inside.substring(1, inside.length() - 1));
        }
        if (!inside.matches("[0-9]{1,9}")) {
            throw stops(at, "[ ] takes an index like [0] or a quoted name like ['a b']");
        }
        return new Index(Integer.parseInt(inside));
    }

    private static IllegalArgumentException stops(int at, String why) {
        return new IllegalArgumentException("at character " + (at + 1) + ", " + why);
    }

    /** The path as {@link #parse} reads it. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("$");
        for (Step step : steps) {
            switch (step) {
                case Field(String name) -> {
                    if (name.matches("[\\p{L}_][\\p{L}\\p{N}_-]*")) {
                        text.append('.').append(name);
                    } else {
                        char quote = name.indexOf('\'') < 0 ? '\'' : '"';
                        text.append('[').append(quote).append(name).append(quote).append(']');
                    }
                }
                case Index(int index) -> text.append('[').append(index).append(']');
            }
        }
        return text.toString();
    }
}
