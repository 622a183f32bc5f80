package org.tonle.sql;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * What a client's text asks for, before it is bound. SHOW and DESCRIBE are other words for a SELECT
 * from {@code information_schema}, and so show what that shows.
 */
public sealed interface Statement {
    /** The SELECT that is bound. */
    String select();

    /** A SELECT, as it came or in the place of SHOW. */
    record Query(String select) implements Statement {}

    /**
     * The columns of a table.
     *
     * @param table a SELECT from it, at the table's place in the text, which has to bind
     */
    record Describe(String table, String select) implements Statement {}

    /** How a SELECT is run, in the place of its rows. */
    record Explain(String select) implements Statement {}

    /**
     * Tells what a text is. A text that is none of these is a query, and is refused when it is
     * bound.
     *
     * @throws org.tonle.spi.LakeException INVALID_SQL with line and column
     */
    static Statement of(String statement) {
        Deque<Tokens.Token> tokens = new ArrayDeque<>(Tokens.of(statement));
        String text = statement;
        if (!tokens.isEmpty() && tokens.getLast().is(";")) {
            // as a shell would have it; it ends the one statement
            Tokens.Token end = tokens.removeLast();
            text = Tokens.blank(statement, end.start(), end.end());
        }
        if (tokens.isEmpty()) {
            return new Query(text);
        }
        Tokens.Token first = tokens.removeFirst();
        if (first.is("EXPLAIN")) {
            if (tokens.isEmpty()) {
                throw expected("a SELECT", text, text.length());
            }
            return new Explain(Tokens.blank(text, 0, first.end()));
        }
        if (first.is("SHOW")) {
            return show(text, tokens);
        }
        return first.is("DESCRIBE") ? describe(text, tokens) : new Query(text);
    }

    private static Statement show(String text, Deque<Tokens.Token> tokens) {
        Tokens.Token what = tokens.pollFirst();
        if (what != null && what.is("NAMESPACES")) {
            end(text, tokens);
            return new Query(
                    "SELECT DISTINCT table_schema AS \"namespace\" FROM information_schema.tables"
                            + " ORDER BY 1");
        }
        if (what == null || !what.is("TABLES")) {
            throw expected(
                    "TABLES or NAMESPACES", text, what == null ? text.length() : what.start());
        }
        Optional<String> namespace = Optional.empty();
        if (!tokens.isEmpty() && (tokens.getFirst().is("IN") || tokens.getFirst().is("FROM"))) {
            tokens.removeFirst();
            namespace = Optional.of(name(text, tokens, "a namespace"));
        }
        end(text, tokens);
        return new Query(
                "SELECT table_schema AS \"namespace\", table_name AS \"table\" FROM"
                        + " information_schema.tables"
                        + namespace.map(name -> " WHERE " + is("table_schema", name)).orElse("")
                        + " ORDER BY 1, 2");
    }

    private static Statement describe(String text, Deque<Tokens.Token> tokens) {
        int from = tokens.isEmpty() ? text.length() : tokens.getFirst().start();
        String namespace = name(text, tokens, "a table");
        Tokens.Token dot = tokens.pollFirst();
        if (dot == null || !dot.is(".")) {
            throw expected(
                    "a table as namespace.name", text, dot == null ? text.length() : dot.start());
        }
        String table = name(text, tokens, "a table");
        end(text, tokens);
        // a comment to its end may follow, so the name stands last
        String before = "SELECT * FROM ";
        String bound =
                from >= before.length() && text.lastIndexOf('\n', from) < 0
                        ? before + " ".repeat(from - before.length()) + text.substring(from)
                        : before + text.substring(from);
        return new Describe(
                bound,
                "SELECT column_name AS \"column\", data_type AS \"type\", is_nullable AS"
                        + " \"nullable\" FROM information_schema.columns WHERE "
                        + is("table_schema", namespace)
                        + " AND "
                        + is("table_name", table)
                        + " ORDER BY ordinal_position");
    }

    private static String is(String column, String name) {
        return "LOWER(" + column + ") = LOWER('" + name.replace("'", "''") + "')";
    }

    private static String name(String text, Deque<Tokens.Token> tokens, String what) {
        Tokens.Token token = tokens.pollFirst();
        if (token == null || !token.isName()) {
            throw expected(what, text, token == null ? text.length() : token.start());
        }
        return token.value();
    }

    private static void end(String text, Deque<Tokens.Token> tokens) {
        if (!tokens.isEmpty()) {
            throw expected("the end of the statement", text, tokens.getFirst().start());
        }
    }

    private static RuntimeException expected(String what, String text, int at) {
        return SqlErrors.invalid(
                Position.QUERY, Tokens.place(text, at), what + " is expected here");
    }
}
