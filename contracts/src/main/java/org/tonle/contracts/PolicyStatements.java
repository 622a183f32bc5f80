package org.tonle.contracts;

import java.util.List;

/**
 * Statements that ask a table in every way for what policy may hide. {@code {t}} stands for a table
 * with the columns id, salary, boss (INTEGER), name, region, ssn (VARCHAR), and tags (VARCHAR
 * ARRAY).
 */
public final class PolicyStatements {
    /** Every kind of node that a scan can stand in, or a value be told by. */
    public static final List<String> ALL =
            List.of(
                    "SELECT * FROM {t}",
                    "SELECT p.* FROM {t} AS p",
                    "SELECT COUNT(*) AS n FROM {t}",
                    "SELECT COUNT(ssn) AS n, COUNT(DISTINCT salary) AS d FROM {t}",
                    "SELECT MIN(salary) AS a, MAX(salary) AS b, MAX(ssn) AS c FROM {t}",
                    "SELECT 1 AS x FROM {t}",
                    "SELECT DISTINCT region FROM {t}",
                    "SELECT id FROM {t} WHERE salary > 5500",
                    "SELECT id FROM {t} WHERE ssn = '333' OR TRUE",
                    "SELECT id FROM {t} WHERE region = 'US' OR region = 'EU' OR region IS NULL",
                    "SELECT id FROM {t} WHERE ssn LIKE '3%'",
                    "SELECT id FROM {t} WHERE NOT (region = 'EU')",
                    "SELECT id FROM {t} WHERE salary BETWEEN 1 AND 99999",
                    "SELECT id FROM {t} WHERE ssn IN ('111', '222', '333', '444')",
                    "SELECT id FROM {t} ORDER BY ssn DESC, id LIMIT 2",
                    "SELECT id FROM {t} ORDER BY salary, id OFFSET 1 ROWS",
                    "SELECT region, SUM(salary) AS s FROM {t} GROUP BY region",
                    "SELECT ssn, COUNT(*) AS n FROM {t} GROUP BY ssn",
                    "SELECT region, ssn, COUNT(*) AS n FROM {t} GROUP BY ROLLUP(region, ssn)",
                    "SELECT region, COUNT(*) AS n FROM {t} GROUP BY GROUPING SETS ((region), ())",
                    "SELECT region FROM {t} GROUP BY region HAVING MAX(salary) > 6500",
                    "SELECT id, RANK() OVER (ORDER BY salary DESC, id) AS r FROM {t}",
                    "SELECT id FROM {t} QUALIFY ROW_NUMBER() OVER (PARTITION BY region ORDER BY id)"
                            + " = 1",
                    "SELECT id, LAG(ssn) OVER (ORDER BY id) AS l FROM {t}",
                    "SELECT a.id, b.name FROM {t} AS a JOIN {t} AS b ON a.boss = b.id",
                    "SELECT a.id, b.ssn FROM {t} AS a LEFT JOIN {t} AS b ON a.boss = b.id",
                    "SELECT a.id AS x, b.id AS y FROM {t} AS a FULL JOIN {t} AS b ON a.salary <"
                            + " b.salary",
                    "SELECT COUNT(*) AS n FROM {t} AS a CROSS JOIN {t} AS b",
                    "SELECT id, name FROM {t} AS a NATURAL JOIN (SELECT id FROM {t}) AS b",
                    "SELECT id, b.name AS other FROM {t} AS a JOIN {t} AS b USING (id)",
                    "SELECT id FROM {t} AS a WHERE EXISTS (SELECT 1 FROM {t} AS b WHERE b.boss ="
                            + " a.id)",
                    "SELECT id FROM {t} AS a WHERE NOT EXISTS (SELECT 1 FROM {t} AS b WHERE b.salary"
                            + " > a.salary)",
                    "SELECT id FROM {t} WHERE boss IN (SELECT id FROM {t})",
                    "SELECT id FROM {t} WHERE id NOT IN (SELECT id FROM {t} WHERE salary > 5500)",
                    "SELECT id FROM {t} WHERE salary >= ALL (SELECT salary FROM {t} WHERE salary IS"
                            + " NOT NULL)",
                    "SELECT (SELECT MAX(ssn) FROM {t}) AS m",
                    "SELECT id, (SELECT COUNT(*) FROM {t} AS b WHERE b.boss = a.id) AS n FROM {t} AS"
                            + " a",
                    "SELECT a.id, t.n FROM {t} AS a, LATERAL (SELECT COUNT(*) AS n FROM {t} AS b"
                            + " WHERE b.salary > a.salary) AS t",
                    "SELECT a.id, t.tag FROM {t} AS a, UNNEST(a.tags) AS t(tag)",
                    "SELECT tags[1] AS first FROM {t}",
                    "SELECT id FROM {t} UNION SELECT boss FROM {t}",
                    "SELECT id FROM {t} UNION ALL SELECT 99 AS id",
                    "SELECT id FROM {t} INTERSECT SELECT boss FROM {t}",
                    "SELECT id FROM {t} EXCEPT SELECT boss FROM {t}",
                    "SELECT x FROM (SELECT id AS x, ssn FROM {t}) AS s WHERE ssn > '2'",
                    "SELECT * FROM (SELECT * FROM (SELECT * FROM {t}) AS a) AS b",
                    "WITH w AS (SELECT * FROM {t}) SELECT COUNT(*) AS n, MAX(ssn) AS m FROM w",
                    "WITH people AS (SELECT * FROM {t}) SELECT id, ssn FROM people",
                    "WITH a AS (SELECT id FROM {t}), b AS (SELECT id FROM a) SELECT * FROM b, a",
                    "WITH RECURSIVE up(id, boss) AS (SELECT id, boss FROM {t} WHERE id = 4 UNION ALL"
                            + " SELECT p.id, p.boss FROM up JOIN {t} AS p ON p.id = up.boss) SELECT"
                            + " id FROM up",
                    "SELECT CASE WHEN MAX(salary) > 8000 THEN 'rich' ELSE 'poor' END AS c FROM {t}",
                    "SELECT LISTAGG(ssn, ',') WITHIN GROUP (ORDER BY id) AS l FROM {t}",
                    "SELECT PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY salary) AS m FROM {t}",
                    "SELECT COUNT(*) FILTER (WHERE ssn = '333') AS n FROM {t}",
                    "SELECT id FROM {t} WHERE COALESCE(region, 'EU') = 'EU'",
                    "SELECT id FROM {t} WHERE (id, salary) IN (SELECT id, salary FROM {t})",
                    "SELECT id /* FROM silver.people */ FROM {t} -- WHERE TRUE",
                    "SELECT id FROM {t} WHERE name = 'O''Hara' OR name = '\\' OR name = 'O\\'''",
                    "SELECT ID, \"name\" FROM {t} WHERE NAME <> 'Ünïcödé ☃'");

    private PolicyStatements() {}

    /** A statement that is right by grammar and type; the same for the same seed. */
    public static String byChance(long seed) {
        return new StatementFuzzer(seed).statement();
    }
}
