package org.tonle.contracts;

import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Makes statements that are right by grammar and ask for a lot of something, from a seed. {@code
 * {t}} stands for a table with the columns x, y (INTEGER), s (VARCHAR) and d (DOUBLE).
 */
final class HostileStatements {
    private static final List<UnaryOperator<String>> NUMBERS =
            List.of(
                    x -> "(" + x + " + 1)",
                    x -> "COALESCE(" + x + ", 1)",
                    x -> "NULLIF(" + x + ", 1)",
                    x -> "(CASE WHEN " + x + " BETWEEN 1 AND 9 THEN 1 ELSE 2 END)",
                    x -> "(CASE " + x + " WHEN 1 THEN 1 WHEN 2 THEN 3 ELSE 4 END)",
                    x -> "GREATEST(" + x + ", y)",
                    x -> "CHAR_LENGTH(SUBSTRING(s, " + x + ", " + x + "))",
                    x -> "(SELECT " + x + ")",
                    x -> "CAST(CAST(" + x + " AS VARCHAR) AS INTEGER)",
                    x -> "ABS(-" + x + ")");

    private static final List<UnaryOperator<String>> TEXTS =
            List.of(
                    s -> "(" + s + " || s)",
                    s -> "CONCAT(" + s + ", " + s + ")",
                    s -> "REPEAT(" + s + ", 3)",
                    s -> "REPEAT(" + s + ", y)",
                    s -> "LPAD(" + s + ", x, '-')",
                    s -> "RPAD(" + s + ", 9999, s)",
                    s -> "REPLACE(" + s + ", 'n', " + s + ")",
                    s -> "UPPER(" + s + ")",
                    s -> "SPLIT_PART(" + s + ", 'a', 1)",
                    s -> "JSON_VALUE(" + s + ", '$.a')",
                    s -> "JSON_QUERY(" + s + ", '$.a')",
                    s -> "JSON_ARRAY(" + s + ", " + s + ")",
                    s -> "SUBSTRING(" + s + ", y, x)",
                    s -> "TRIM(" + s + ")");

    private final Random random;

    HostileStatements(long seed) {
        this.random = new Random(seed);
    }

    /** One statement. */
    String statement() {
        List<IntFunction<String>> kinds =
                List.of(
                        n -> "SELECT " + nested(one(NUMBERS), "x", n) + " AS v FROM {t}",
                        n -> "SELECT MAX(" + nested(one(TEXTS), "s", n) + ") AS v FROM {t}",
                        n -> "SELECT " + mixed(n) + " AS v FROM {t}",
                        n -> "SELECT COUNT(*) AS n FROM {t} WHERE " + conditions(n),
                        n -> "SELECT COUNT(*) AS n FROM {t} WHERE x IN (" + list(n, "", "") + ")",
                        n -> "SELECT " + list(n, one(List.of("x + ", "y * ")), "") + " FROM {t}",
                        n -> "SELECT " + list(n, "REPEAT(s, ", ")") + " FROM {t}",
                        n -> "SELECT " + list(n, "SUM(x) OVER (ORDER BY y + ", ")") + " FROM {t}",
                        n -> "SELECT " + list(n, "COUNT(DISTINCT x + ", ")") + " FROM {t}",
                        n -> "SELECT " + list(n, "(SELECT MAX(y) FROM {t} WHERE x < ", ")"),
                        n -> "SELECT COUNT(*) AS n FROM {t} GROUP BY " + keys(n),
                        n -> "SELECT x FROM {t} ORDER BY " + list(n, "x + ", ""),
                        this::doubledColumns,
                        this::doubledNames,
                        this::doubledRows,
                        this::doubledTexts,
                        this::joined,
                        this::branches,
                        this::recursion,
                        n -> "SELECT * FROM (VALUES " + list(n, "(", ", 'a')") + ") AS v(a, b)",
                        n -> "SELECT CASE " + whens(n) + " END AS v FROM {t}",
                        n -> "SELECT '" + "x".repeat(n * 100) + "' || s AS v FROM {t}",
                        n -> "SELECT 1" + "0".repeat(n) + " AS v",
                        n -> "SELECT 1e" + n + " AS v",
                        n -> "SELECT INTERVAL '" + n + "' YEAR + DATE '2001-01-01' AS v",
                        n -> "SELECT REPEAT('x', " + 1000L * n + ") AS v",
                        n -> "SELECT LISTAGG(REPEAT(s, " + n + "), ',') AS v FROM {t}, {t} AS u",
                        n -> "SELECT s LIKE '" + "%a".repeat(n) + "_b' AS v FROM {t}");
        return one(kinds).apply(size());
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    /** From 1 to some thousands, small ones as often as large ones. */
    private int size() {
        return (int) Math.pow(10, random.nextDouble() * 3.7);
    }

    private static String nested(UnaryOperator<String> function, String in, int times) {
        StringBuilder before = new StringBuilder();
        StringBuilder after = new StringBuilder();
        String[] parts = function.apply("\0").split("\0", -1);
        if (parts.length == 2) {
            for (int i = 0; i < times; i++) {
                before.insert(0, parts[0]);
                after.append(parts[1]);
            }
            return before + in + after;
        }
        String text = in;
        for (int i = 0; i < times && text.length() < 200_000; i++) {
            text = function.apply(text);
        }
        return text;
    }

    private String mixed(int times) {
        String text = "s";
        for (int i = 0; i < times && text.length() < 200_000; i++) {
            text = one(TEXTS).apply(text);
        }
        return text;
    }

    private static String list(int many, String before, String after) {
        return IntStream.rangeClosed(1, many)
                .mapToObj(i -> before + i + after)
                .collect(Collectors.joining(", "));
    }

    private String conditions(int many) {
        return IntStream.range(0, many)
                .mapToObj(i -> one(List.of("x <> ", "y < ", "x + y > ")) + i)
                .collect(Collectors.joining(one(List.of(" AND ", " OR "))));
    }

    private String keys(int many) {
        String list = list(many, "x + ", "");
        return one(List.of("CUBE(", "ROLLUP(", "GROUPING SETS (")) + list + ")";
    }

    private static String whens(int many) {
        return IntStream.range(0, many)
                .mapToObj(i -> "WHEN x = " + i + " THEN " + i)
                .collect(Collectors.joining(" "));
    }

    private String doubledColumns(int times) {
        String from = "{t}";
        for (int i = 0; i < Math.min(times, 12); i++) {
            from = "(SELECT * FROM " + from + " AS a, " + from + " AS b)";
        }
        return "SELECT * FROM " + from + " AS q LIMIT 1";
    }

    private String doubledNames(int times) {
        StringBuilder with = new StringBuilder("WITH a0 AS (SELECT x FROM {t} WHERE x < 2)");
        for (int i = 1; i <= times; i++) {
            with.append(", a%d AS (SELECT p.x FROM a%d AS p, a%d AS q)".formatted(i, i - 1, i - 1));
        }
        return with + " SELECT x FROM a" + times + one(List.of("", " LIMIT 1", " WHERE x = 1"));
    }

    private String doubledRows(int times) {
        String row = one(List.of("ROW(r, r)", "ARRAY[r, r]", "MAP[r, r]", "ARRAY[r]"));
        String from = "{t}";
        for (int i = 0; i < times; i++) {
            from = "(SELECT " + (i == 0 ? row.replace("r", "x") : row) + " AS r FROM " + from + ")";
        }
        return "SELECT COUNT(r) AS n FROM " + from.replace("r AS x", "x AS r");
    }

    private String doubledTexts(int times) {
        String from = "{t}";
        String text = one(List.of("s || s", "COALESCE(s, s)", "REPLACE(s, 'a', s)"));
        for (int i = 0; i < times; i++) {
            from = "(SELECT x, " + text + " AS s FROM " + from + ")";
        }
        return "SELECT MAX(s) AS m FROM " + from + one(List.of("", " WHERE s = 'a'"));
    }

    private String joined(int many) {
        String with = one(List.of(" JOIN ", " LEFT JOIN ", " FULL JOIN "));
        StringBuilder from = new StringBuilder("{t} AS t0");
        for (int i = 1; i < many; i++) {
            from.append(with).append("{t} AS t").append(i).append(" ON t").append(i);
            from.append(".x = t").append(random.nextInt(i)).append(".x");
        }
        return "SELECT COUNT(*) AS n FROM " + from;
    }

    private String branches(int many) {
        String with = one(List.of(" UNION ALL ", " UNION ", " INTERSECT ", " EXCEPT "));
        return IntStream.range(0, many)
                .mapToObj(i -> "SELECT x + " + i + " AS x FROM {t}")
                .collect(Collectors.joining(with));
    }

    private String recursion(int times) {
        return "WITH RECURSIVE r(s, n) AS (SELECT 'x', 0 UNION ALL SELECT s || s, n + 1 FROM r"
                + " WHERE n < "
                + times
                + ") SELECT MAX(CHAR_LENGTH(s)) AS m FROM r";
    }
}
