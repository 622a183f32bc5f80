package org.tonle.sql;

import java.util.ArrayList;
import java.util.List;
import org.tonle.definition.SqlText;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.Expectation.Violation;
import org.tonle.sql.Tokens.Token;

/**
 * Reads the frame of a pipeline's statement; SELECT and conditions are Calcite's.
 *
 * <pre>
 * CREATE STREAMING TABLE namespace.name
 *   [ ( CONSTRAINT name EXPECT ( condition ) [ON VIOLATION { DROP ROW | FAIL UPDATE }] [, …] ) ]
 *   AS SELECT … FROM STREAM namespace.table …
 * CREATE MATERIALIZED VIEW namespace.name AS SELECT …
 * </pre>
 */
final class DatasetParser {
    private final String text;
    private final Position position;
    private final List<Token> tokens;
    private int at;

    DatasetParser(SqlText statement) {
        this.text = statement.text();
        this.position = Position.of(statement.place());
        this.tokens = Tokens.of(text);
    }

    Dataset parse() {
        if (next("AUTO")) {
            throw problem(
                    ErrorCode.UNSUPPORTED_SQL,
                    0,
                    "AUTO CDC is not run yet; write CREATE STREAMING TABLE or CREATE MATERIALIZED"
                            + " VIEW");
        }
        expect("CREATE", "CREATE STREAMING TABLE or CREATE MATERIALIZED VIEW");
        boolean streaming = next("STREAMING");
        if (streaming) {
            expect("TABLE", "TABLE");
        } else {
            expect("MATERIALIZED", "STREAMING TABLE or MATERIALIZED VIEW");
            expect("VIEW", "VIEW");
        }
        TableName name = name();
        List<Dataset.Condition> conditions = new ArrayList<>();
        if (peek("(")) {
            if (!streaming) {
                throw problem(
                        ErrorCode.UNSUPPORTED_SQL,
                        at,
                        "a materialized view takes no expectations; they stand on the streaming"
                                + " tables it reads");
            }
            at++;
            do {
                conditions.add(constraint(conditions));
            } while (next(","));
            expect(")", "a comma or )");
        }
        expect("AS", "AS and a SELECT");
        Dataset.Frame frame = frame(name, streaming);
        return streaming
                ? new Dataset.StreamingTable(frame, conditions)
                : new Dataset.MaterializedView(frame);
    }

    private TableName name() {
        Token namespace = nameToken("the dataset's name, such as silver.orders");
        expect(".", "a point: a dataset's name is namespace.name");
        Token name = nameToken("the name after the point");
        return new TableName(namespace.value(), name.value());
    }

    private Token nameToken(String what) {
        if (at >= tokens.size() || !tokens.get(at).isName()) {
            throw expected(what);
        }
        return tokens.get(at++);
    }

    private Dataset.Condition constraint(List<Dataset.Condition> before) {
        expect("CONSTRAINT", "CONSTRAINT name EXPECT (condition)");
        int nameAt = at;
        String name = nameToken("the expectation's name").value();
        if (before.stream().anyMatch(c -> c.expectation().name().equalsIgnoreCase(name))) {
            throw problem(
                    ErrorCode.INVALID_SQL, nameAt, "there are two expectations called " + name);
        }
        expect("EXPECT", "EXPECT (condition)");
        expect("(", "( and a condition");
        int from = at < tokens.size() ? tokens.get(at).start() : text.length();
        int depth = 1;
        while (true) {
            if (at >= tokens.size()) {
                throw expected(") to end the condition of " + name);
            }
            Token token = tokens.get(at++);
            if (token.is("(")) {
                depth++;
            } else if (token.is(")") && --depth == 0) {
                break;
            }
        }
        int to = tokens.get(at - 1).start();
        Violation violation = Violation.COUNT;
        if (next("ON")) {
            expect("VIOLATION", "VIOLATION");
            if (next("DROP")) {
                expect("ROW", "ROW");
                violation = Violation.DROP_ROW;
            } else {
                expect("FAIL", "DROP ROW or FAIL UPDATE");
                expect("UPDATE", "UPDATE");
                violation = Violation.FAIL_UPDATE;
            }
        }
        return new Dataset.Condition(
                new Expectation(name, text.substring(from, to).strip(), violation),
                Tokens.only(text, from, to));
    }

    private Dataset.Frame frame(TableName name, boolean streaming) {
        if (at >= tokens.size()) {
            throw expected("a SELECT");
        }
        String select = Tokens.only(text, tokens.get(at).start(), text.length());
        int streams = 0;
        for (int i = at + 1; i + 1 < tokens.size(); i++) {
            Token before = tokens.get(i - 1);
            if (tokens.get(i).is("STREAM")
                    && tokens.get(i + 1).isName()
                    && (before.is("FROM") || before.is("JOIN") || before.is(","))) {
                if (!streaming) {
                    throw problem(
                            ErrorCode.INVALID_SQL,
                            i,
                            "a materialized view reads whole tables; leave STREAM out");
                }
                select = Tokens.blank(select, tokens.get(i).start(), tokens.get(i).end());
                streams++;
            }
        }
        if (streaming && streams == 0) {
            throw problem(
                    ErrorCode.INVALID_SQL,
                    at,
                    "a streaming table reads a stream: write FROM STREAM namespace.table");
        }
        List<TableName> reads =
                List.copyOf(
                        FromClauses.names(Language.parseQuery(select, position), position)
                                .keySet());
        return new Dataset.Frame(name, reads, text, position, select);
    }

    private boolean peek(String word) {
        return at < tokens.size() && tokens.get(at).is(word);
    }

    private boolean next(String word) {
        boolean found = peek(word);
        if (found) {
            at++;
        }
        return found;
    }

    private void expect(String word, String what) {
        if (!next(word)) {
            throw expected(what);
        }
    }

    private LakeException expected(String what) {
        String found =
                at < tokens.size()
                        ? "'" + text.substring(tokens.get(at).start(), tokens.get(at).end()) + "'"
                        : "the statement's end";
        return problem(ErrorCode.INVALID_SQL, at, what + " is expected here, not " + found);
    }

    private LakeException problem(ErrorCode code, int token, String message) {
        int offset = token < tokens.size() ? tokens.get(token).start() : text.length();
        String before = text.substring(0, offset);
        int line = 1 + (int) before.chars().filter(c -> c == '\n').count();
        int column = offset - before.lastIndexOf('\n');
        return position.problem(code, line, column, message, null);
    }
}
