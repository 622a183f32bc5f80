package org.tonle.sql;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
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
 * AUTO CDC INTO namespace.name FROM STREAM namespace.table
 *   KEYS ( column [, …] )
 *   [ APPLY AS DELETE WHEN condition ] [ APPLY AS TRUNCATE WHEN condition ]
 *   [ SEQUENCE BY expression ]
 *   [ COLUMNS { * EXCEPT ( column [, …] ) | ( column [, …] ) } ]
 *   [ STORED AS SCD TYPE { 1 | 2 } ]
 * </pre>
 */
final class DatasetParser {
    /** Words that begin a clause of AUTO CDC; a column of such a name stands in quotes. */
    private static final Set<String> CLAUSES =
            Set.of("KEYS", "APPLY", "SEQUENCE", "COLUMNS", "STORED");

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
            return changes();
        }
        expect("CREATE", "CREATE STREAMING TABLE, CREATE MATERIALIZED VIEW or AUTO CDC INTO");
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

    private Dataset changes() {
        expect("CDC", "AUTO CDC INTO");
        expect("INTO", "INTO and the table's name");
        TableName name = name();
        expect("FROM", "FROM STREAM namespace.table");
        expect("STREAM", "STREAM: the changes of a table are read as a stream");
        TableName read = name();
        List<String> keys = List.of();
        Optional<String> delete = Optional.empty();
        Optional<String> truncate = Optional.empty();
        Optional<String> sequence = Optional.empty();
        List<String> columns = List.of();
        boolean except = true;
        boolean history = false;
        Set<String> clauses = new HashSet<>();
        while (at < tokens.size()) {
            int clause = at;
            String which;
            if (next("KEYS")) {
                which = "KEYS";
                keys = names();
            } else if (next("APPLY")) {
                expect("AS", "AS DELETE WHEN or AS TRUNCATE WHEN");
                boolean deletes = next("DELETE");
                if (!deletes) {
                    expect("TRUNCATE", "DELETE or TRUNCATE");
                }
                expect("WHEN", "WHEN and a condition");
                which = deletes ? "APPLY AS DELETE" : "APPLY AS TRUNCATE";
                if (deletes) {
                    delete = Optional.of(expression());
                } else {
                    truncate = Optional.of(expression());
                }
            } else if (next("SEQUENCE")) {
                which = "SEQUENCE BY";
                expect("BY", "BY and what orders the changes");
                sequence = Optional.of(expression());
            } else if (next("COLUMNS")) {
                which = "COLUMNS";
                except = next("*");
                if (except) {
                    expect("EXCEPT", "EXCEPT (column, …)");
                }
                columns = names();
            } else {
                which = "STORED AS";
                expect(
                        "STORED",
                        "KEYS, APPLY AS DELETE WHEN, APPLY AS TRUNCATE WHEN, SEQUENCE BY, COLUMNS or"
                                + " STORED AS SCD TYPE");
                expect("AS", "AS SCD TYPE 1 or 2");
                expect("SCD", "SCD TYPE 1 or 2");
                expect("TYPE", "TYPE 1 or 2");
                history = next("2");
                if (!history) {
                    expect("1", "1, the latest version of each row, or 2, all of them,");
                }
            }
            if (!clauses.add(which)) {
                throw problem(ErrorCode.INVALID_SQL, clause, which + " stands here twice");
            }
        }
        if (keys.isEmpty()) {
            throw expected("KEYS (column, …), which tell the rows of " + name + " apart,");
        }
        return new Dataset.ChangeTable(
                new Dataset.Frame(name, List.of(read), text, position, ""),
                new Dataset.Changes(keys, delete, truncate, sequence, columns, except, history));
    }

    private List<String> names() {
        List<String> names = new ArrayList<>();
        expect("(", "( and columns");
        do {
            names.add(nameToken("a column's name").value());
        } while (next(","));
        expect(")", "a comma or )");
        return names;
    }

    /** Up to the clause behind it, outside of brackets. */
    private String expression() {
        int from = at;
        int depth = 0;
        while (at < tokens.size() && (depth > 0 || !CLAUSES.contains(clause(tokens.get(at))))) {
            Token token = tokens.get(at++);
            if (token.is("(") || token.is("[")) {
                depth++;
            } else if (token.is(")") || token.is("]")) {
                depth--;
            }
        }
        if (at == from) {
            throw expected("an expression");
        }
        return Tokens.only(text, tokens.get(from).start(), tokens.get(at - 1).end());
    }

    private static String clause(Token token) {
        return token.kind() == Tokens.Kind.WORD ? token.value().toUpperCase(Locale.ROOT) : "";
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
