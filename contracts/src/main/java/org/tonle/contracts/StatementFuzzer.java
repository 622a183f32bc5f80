package org.tonle.contracts;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Makes statements that are right by grammar and by type, from a seed. {@code {t}} stands for a
 * table with the columns id, salary, boss (INTEGER) and name, region, ssn (VARCHAR).
 */
final class StatementFuzzer {
    private static final List<String> NUMBERS = List.of("id", "salary", "boss");
    private static final List<String> TEXTS = List.of("name", "region", "ssn");
    private static final int DEEPEST = 3;

    private final Random random;
    private int names;

    StatementFuzzer(long seed) {
        this.random = new Random(seed);
    }

    /** One statement; the order of its rows isn't said. */
    String statement() {
        names = 0;
        return query(0, 1 + random.nextInt(3));
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    @SafeVarargs
    private final String any(Supplier<String>... of) {
        return of[random.nextInt(of.length)].get();
    }

    /** A query of {@code width} columns: the first INTEGER, then VARCHAR and INTEGER by turns. */
    private String query(int depth, int width) {
        if (depth < DEEPEST && chance(12)) {
            String name = "w" + names++;
            StringBuilder with =
                    new StringBuilder("WITH " + name + " AS (SELECT * FROM {t}")
                            .append(where("{t}", depth + 1).replace("{t}.", ""))
                            .append(")");
            // names that each name the one before twice: engines keep their rows, or read them anew
            for (int i = 0; i < 7 && chance(20); i++) {
                String twice = "w" + names++;
                with.append(", " + twice + " AS (SELECT p.* FROM " + name + " AS p JOIN " + name)
                        .append(" AS q ON p.id = q.id)");
                name = twice;
            }
            return with + " " + select(depth + 1, width, name);
        }
        if (depth < DEEPEST && chance(15)) {
            return "("
                    + query(depth + 1, width)
                    + ") "
                    + one(List.of("UNION", "UNION ALL", "INTERSECT", "EXCEPT"))
                    + " ("
                    + query(depth + 1, width)
                    + ")";
        }
        return select(depth, width, "{t}");
    }

    private String select(int depth, int width, String table) {
        String a = "a" + names++;
        String from = table + " AS " + a;
        List<String> aliases = new ArrayList<>(List.of(a));
        if (chance(35)) {
            String b = "a" + names++;
            aliases.add(b);
            String right = chance(60) ? "{t}" : "(SELECT * FROM {t}" + where("", depth + 1) + ")";
            from +=
                    one(List.of(" JOIN ", " LEFT JOIN ", " FULL JOIN "))
                            + right
                            + " AS "
                            + b
                            + " ON "
                            + a
                            + "."
                            + one(NUMBERS)
                            + " = "
                            + b
                            + "."
                            + one(NUMBERS);
        }
        String alias = one(aliases);
        if (chance(30)) {
            return grouped(depth, width, from, alias);
        }
        String columns =
                IntStream.range(0, width)
                        .mapToObj(i ->
                                (i % 2 == 0 ? number(alias, depth) : text(alias, depth))
                                        + " AS c"
                                        + i)
                        .collect(Collectors.joining(", "));
        String rank =
                chance(10)
                        ? " QUALIFY RANK() OVER (PARTITION BY "
                                + alias
                                + "."
                                + one(TEXTS)
                                + " ORDER BY "
                                + alias
                                + "."
                                + one(NUMBERS)
                                + ") = 1"
                        : "";
        return "SELECT "
                + (chance(20) ? "DISTINCT " : "")
                + columns
                + " FROM "
                + from
                + where(alias, depth)
                + rank;
    }

    private String grouped(int depth, int width, String from, String alias) {
        String key = alias + "." + one(TEXTS);
        String columns =
                IntStream.range(0, width)
                        .mapToObj(i -> (i % 2 == 0 ? aggregate(alias) : key) + " AS c" + i)
                        .collect(Collectors.joining(", "));
        String groups =
                any(
                        () -> key,
                        () -> "ROLLUP(" + key + ")",
                        () -> "GROUPING SETS ((" + key + "), ())");
        return "SELECT "
                + columns
                + " FROM "
                + from
                + where(alias, depth)
                + " GROUP BY "
                + groups
                + (chance(30) ? " HAVING " + aggregate(alias) + " > " + random.nextInt(5) : "");
    }

    private String aggregate(String alias) {
        String number = alias + "." + one(NUMBERS);
        String text = alias + "." + one(TEXTS);
        return any(
                () -> "COUNT(*)",
                () -> "COUNT(" + text + ")",
                () -> "COUNT(DISTINCT " + text + ")",
                () -> "MIN(" + number + ")",
                () -> "MAX(" + number + ")",
                () -> "CAST(SUM(" + number + ") AS INTEGER)",
                () -> "COUNT(*) FILTER (WHERE " + text + " > '2')");
    }

    private String where(String alias, int depth) {
        return chance(60) ? " WHERE " + condition(alias.equals("{t}") ? "" : alias, depth) : "";
    }

    private static String column(String alias, String name) {
        return alias.isEmpty() ? name : alias + "." + name;
    }

    private String condition(String alias, int depth) {
        if (depth >= DEEPEST + 2) {
            return column(alias, one(NUMBERS)) + " > " + random.nextInt(9000);
        }
        int deeper = depth + 1;
        String inner = "s" + names++;
        return any(
                () ->
                        number(alias, deeper)
                                + one(List.of(" = ", " <> ", " < ", " >= "))
                                + number(alias, deeper),
                () ->
                        text(alias, deeper)
                                + one(List.of(" = ", " <> ", " < "))
                                + text(alias, deeper),
                () ->
                        text(alias, deeper)
                                + " LIKE '"
                                + one(List.of("%1%", "E_", "_%", "\\%"))
                                + "'",
                () -> number(alias, deeper) + " IS " + one(List.of("NULL", "NOT NULL")),
                () ->
                        "("
                                + condition(alias, deeper)
                                + one(List.of(" AND ", " OR "))
                                + condition(alias, deeper)
                                + ")",
                () -> "NOT (" + condition(alias, deeper) + ")",
                () -> column(alias, one(TEXTS)) + " IN ('111', 'EU', 'Ada')",
                () -> number(alias, deeper) + " BETWEEN 1 AND " + random.nextInt(9000),
                () ->
                        column(alias, one(NUMBERS))
                                + " IN (SELECT "
                                + inner
                                + "."
                                + one(NUMBERS)
                                + " FROM {t} AS "
                                + inner
                                + ")",
                () ->
                        "EXISTS (SELECT 1 FROM {t} AS "
                                + inner
                                + " WHERE "
                                + inner
                                + ".boss = "
                                + column(alias, "id")
                                + ")");
    }

    private String number(String alias, int depth) {
        if (depth >= DEEPEST) {
            return column(alias, one(NUMBERS));
        }
        int deeper = depth + 1;
        String inner = "s" + names++;
        return any(
                () -> column(alias, one(NUMBERS)),
                () -> column(alias, one(NUMBERS)),
                () -> String.valueOf(random.nextInt(10_000)),
                () ->
                        "("
                                + number(alias, deeper)
                                + one(List.of(" + ", " - "))
                                + number(alias, deeper)
                                + ")",
                () -> "MOD(" + number(alias, deeper) + ", 7)",
                () -> "COALESCE(" + number(alias, deeper) + ", 0)",
                () -> "NULLIF(" + number(alias, deeper) + ", 1)",
                () -> "CASE " + number(alias, deeper) + " WHEN 1 THEN 2 WHEN 7 THEN 8 END",
                () ->
                        "CASE WHEN "
                                + condition(alias, deeper)
                                + " THEN "
                                + number(alias, deeper)
                                + " ELSE 1 END",
                () -> "CHAR_LENGTH(" + text(alias, deeper) + ")",
                () -> "(SELECT MAX(" + inner + "." + one(NUMBERS) + ") FROM {t} AS " + inner + ")",
                () -> "10 / (" + column(alias, one(NUMBERS)) + " - 7000)");
    }

    private String text(String alias, int depth) {
        if (depth >= DEEPEST) {
            return column(alias, one(TEXTS));
        }
        int deeper = depth + 1;
        return any(
                () -> column(alias, one(TEXTS)),
                () -> column(alias, one(TEXTS)),
                () -> "'" + one(List.of("EU", "O''Hara", "\\", "☃", "--", "/*")) + "'",
                () -> "UPPER(" + text(alias, deeper) + ")",
                () -> "SUBSTRING(" + text(alias, deeper) + ", 1, 2)",
                () -> "(" + text(alias, deeper) + " || " + text(alias, deeper) + ")",
                () -> "COALESCE(" + text(alias, deeper) + ", 'none')",
                () -> "REPEAT(" + text(alias, deeper) + ", " + one(List.of("0", "3", "-1")) + ")",
                () -> "REPEAT(" + text(alias, deeper) + ", MOD(" + number(alias, deeper) + ", 9))",
                () -> "LPAD(" + text(alias, deeper) + ", 5, '*')",
                () ->
                        "RPAD("
                                + text(alias, deeper)
                                + ", MOD("
                                + number(alias, deeper)
                                + ", 9), 'x')",
                () -> "REPLACE(" + text(alias, deeper) + ", 'E', " + text(alias, deeper) + ")",
                () ->
                        "SUBSTRING("
                                + text(alias, deeper)
                                + ", MOD("
                                + number(alias, deeper)
                                + ", 4), 2)",
                () -> "JSON_VALUE(JSON_ARRAY(" + text(alias, deeper) + "), '$[0]')",
                () -> "NULLIF(" + text(alias, deeper) + ", " + text(alias, deeper) + ")",
                () ->
                        "CASE WHEN "
                                + condition(alias, deeper)
                                + " THEN "
                                + text(alias, deeper)
                                + " END");
    }
}
