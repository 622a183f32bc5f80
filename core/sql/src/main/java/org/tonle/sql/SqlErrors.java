package org.tonle.sql;

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

    private SqlErrors() {}

    static LakeException invalid(Position position, SqlParserPos pos, String message) {
        return position.problem(ErrorCode.INVALID_SQL, pos, message);
    }

    static LakeException unsupported(Position position, SqlParserPos pos, String message) {
        return position.problem(ErrorCode.UNSUPPORTED_SQL, pos, message);
    }

    static LakeException of(Position position, SqlParseException e, Collection<String> reserved) {
        String message = String.valueOf(e.getMessage());
        Matcher encountered =
                Pattern.compile("Encountered \"(.*?)\" at", Pattern.DOTALL).matcher(message);
        String what;
        if (encountered.find()) {
            String near = encountered.group(1).strip();
            Optional<String> word =
                    Pattern.compile("\\s+")
                            .splitAsStream(near)
                            .filter(w -> reserved.contains(w.toUpperCase(Locale.ROOT)))
                            .findFirst();
            what =
                    near.startsWith("<EOF>")
                            ? "the statement ends too early"
                            : word.map(w ->
                                            "'"
                                                    + w
                                                    + "' is not expected here; it is a"
                                                    + " reserved word: as a name, write \""
                                                    + w
                                                    + "\" in double quotes")
                                    .orElse("'" + near + "' is not expected here");
        } else if (message.startsWith("Non-query expression")) {
            what = "a SELECT is expected here";
        } else {
            what = message.lines().findFirst().orElse("it doesn't parse");
        }
        return position.problem(
                ErrorCode.INVALID_SQL, e.getPos().getLineNum(), e.getPos().getColumnNum(), what, e);
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
        int limit = Math.max(2, word.length() / 3);
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
