package org.tonle.sql;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.calcite.runtime.CalciteContextException;
import org.apache.calcite.sql.parser.SqlParseException;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Errors of statements, with the place, the word, and what was probably meant. */
final class SqlErrors {
    private static final Pattern COLUMN = Pattern.compile("Column '(.*?)' not found");

    private static final Pattern FUNCTION =
            Pattern.compile("No match found for function signature (\\w+)");

    private static final Pattern ENCOUNTERED =
            Pattern.compile("Encountered \"(.*?)\" at", Pattern.DOTALL);

    private static final Pattern KEYWORD =
            Pattern.compile("^Incorrect syntax near the keyword '(\\w+)'");

    private static final Pattern LETTER =
            Pattern.compile("^Lexical error at.*Encountered: \"(.+?)\" \\(", Pattern.DOTALL);

    private static final String ENDS_EARLY = "the statement ends too early";

    private SqlErrors() {}

    static LakeException invalid(Position position, SqlParserPos pos, String message) {
        return position.problem(ErrorCode.INVALID_SQL, pos, message);
    }

    static LakeException unsupported(Position position, SqlParserPos pos, String message) {
        return position.problem(ErrorCode.UNSUPPORTED_SQL, pos, message);
    }

    static LakeException of(
            Position position, SqlParseException e, String text, Collection<String> reserved) {
        String message = String.valueOf(e.getMessage());
        Matcher encountered = ENCOUNTERED.matcher(message);
        Matcher keyword = KEYWORD.matcher(message);
        Matcher letter = LETTER.matcher(message);
        SqlParserPos pos = e.getPos();
        String what;
        if (encountered.find()) {
            String near = encountered.group(1).strip();
            what =
                    near.startsWith("<EOF>")
                            ? ENDS_EARLY
                            : Pattern.compile("\\s+")
                                    .splitAsStream(near)
                                    .filter(word -> isReserved(word, reserved))
                                    .findFirst()
                                    .or(() -> Optional.of(near))
                                    .map(word -> unexpected(word, reserved))
                                    .orElseThrow();
        } else if (keyword.find()) {
            Optional<Tokens.Token> behind =
                    isBegun(e, keyword.group(1)) ? behind(text, pos) : at(text, pos);
            pos = Tokens.place(text, behind.map(Tokens.Token::start).orElse(text.length()));
            what =
                    behind.map(token ->
                                    unexpected(
                                            text.substring(token.start(), token.end()), reserved))
                            .orElse(ENDS_EARLY);
        } else if (letter.find()) {
            what =
                    letter.group(1).equals("`")
                            ? "'`' is not expected here; a name that needs quotes stands in double"
                                    + " quotes"
                            : "'" + letter.group(1) + "' is not expected here";
        } else if (message.startsWith("Non-query expression")) {
            what = "a SELECT is expected here";
        } else {
            what = message.lines().findFirst().orElse("it doesn't parse");
        }
        return position.problem(
                ErrorCode.INVALID_SQL, pos.getLineNum(), pos.getColumnNum(), what, e);
    }

    private static boolean isReserved(String word, Collection<String> reserved) {
        return reserved.contains(word.toUpperCase(Locale.ROOT));
    }

    private static String unexpected(String word, Collection<String> reserved) {
        return "'"
                + word
                + "' is not expected here"
                + (isReserved(word, reserved)
                        ? "; it is a reserved word: as a name, write \""
                                + word
                                + "\" in double quotes"
                        : "");
    }

    /** Whether a keyword may stand where it stands, so that what follows is wrong. */
    private static boolean isBegun(SqlParseException e, String keyword) {
        String[] images = e.getTokenImages();
        int[][] expected = e.getExpectedTokenSequences();
        return images != null
                && expected != null
                && Arrays.stream(expected)
                        .anyMatch(sequence ->
                                sequence.length > 1
                                        && images[sequence[0]].equalsIgnoreCase(
                                                "\"" + keyword + "\""));
    }

    /** The word behind that at a place. */
    private static Optional<Tokens.Token> behind(String text, SqlParserPos place) {
        int offset = Tokens.offset(text, place);
        return Tokens.of(text).stream().filter(token -> token.start() > offset).findFirst();
    }

    /** The word at a place. */
    private static Optional<Tokens.Token> at(String text, SqlParserPos place) {
        int offset = Tokens.offset(text, place);
        return Tokens.of(text).stream().filter(token -> token.start() >= offset).findFirst();
    }

    static LakeException of(
            Position position, CalciteContextException e, Collection<String> columns) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        String message = String.valueOf(cause.getMessage());
        Matcher function = FUNCTION.matcher(message);
        if (function.find() && !Vocabulary.isFunction(function.group(1))) {
            return Language.noFunction(
                    position,
                    new SqlParserPos(e.getPosLine(), e.getPosColumn()),
                    function.group(1));
        }
        Matcher column = COLUMN.matcher(message);
        if (column.find()) {
            message += nearest(column.group(1), columns).map(n -> "; is it " + n + "?").orElse("");
        }
        return position.problem(
                ErrorCode.INVALID_SQL, e.getPosLine(), e.getPosColumn(), message, e);
    }

    /** The name of the column that an error says isn't there. */
    static Optional<String> missingColumn(LakeException e) {
        Matcher column = COLUMN.matcher(String.valueOf(e.getMessage()));
        return e instanceof SqlProblem
                        && e.getCause() instanceof CalciteContextException
                        && column.find()
                ? Optional.of(column.group(1))
                : Optional.empty();
    }

    static LakeException noTable(
            Position position, SqlParserPos pos, TableName name, Collection<TableName> names) {
        return position.problem(
                ErrorCode.INVALID_SQL,
                pos,
                "there is no table "
                        + name
                        + nearest(name.toString(), names.stream().map(TableName::toString).toList())
                                .map(n -> "; is it " + n + "?")
                                .orElse(""));
    }

    /** The name most like {@code word}, if one is near enough to be meant. */
    static Optional<String> nearest(String word, Collection<String> names) {
        String wanted = word.toLowerCase(Locale.ROOT);
        // two letters of three are another word
        int limit = word.length() < 4 ? 1 : Math.max(2, word.length() / 3);
        return names.stream()
                .distinct()
                .filter(name -> distance(wanted, name.toLowerCase(Locale.ROOT)) <= limit)
                .min(
                        Comparator.comparingInt((String name) ->
                                        distance(wanted, name.toLowerCase(Locale.ROOT)))
                                .thenComparing(Comparator.naturalOrder()));
    }

    /** Levenshtein's distance, in two rows. */
    private static int distance(String a, String b) {
        int[] previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(previous[j - 1] + change, 1 + Math.min(previous[j], row[j - 1]));
            }
            previous = row;
        }
        return previous[b.length()];
    }
}
