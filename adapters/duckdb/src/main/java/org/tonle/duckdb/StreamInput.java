package org.tonle.duckdb;

import static org.tonle.sql.Expectation.Violation.DROP_ROW;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.iceberg.types.Types;
import org.tonle.catalog.BronzeTable;
import org.tonle.sql.BoundStream;
import org.tonle.sql.DataFile;
import org.tonle.sql.ReadColumn;
import org.tonle.sql.SqlTable;

/**
 * What a streaming run reads, as SQL. The candidates' table holds the input columns that the
 * statement uses and, under names with a {@code $}, what the run itself needs: {@code tonle$key},
 * {@code tonle$time} (microseconds), {@code tonle$problem} (NULL if the row is intact), {@code
 * tonle$texts}, {@code tonle$payload}, {@code tonle$partition}, {@code tonle$position}, {@code
 * tonle$index}.
 */
sealed interface StreamInput {
    List<String> PLACE_COLUMNS =
            List.of("\"tonle$partition\"", "\"tonle$position\"", "\"tonle$index\"");

    /**
     * What a row must be besides, over the input's row as expressions call it.
     *
     * @param rule names it in quarantine
     * @param broken a condition that is true where it isn't met
     * @param message a sentence about that
     */
    record Demand(String rule, String broken, String message) {
        static String cases(List<Demand> demands, String before, Function<Demand, String> then) {
            StringBuilder cases = new StringBuilder();
            for (int i = 0; i < demands.size(); i++) {
                cases.append("WHEN ")
                        .append(before)
                        .append(FIRST + i)
                        .append(" THEN ")
                        .append(DuckTypes.text(then.apply(demands.get(i))))
                        .append(' ');
            }
            return cases.toString();
        }

        /** The number of the first one that is broken; NULL if none is. */
        static String number(List<Demand> demands) {
            StringBuilder cases = new StringBuilder("CASE ");
            for (int i = 0; i < demands.size(); i++) {
                cases.append("WHEN ")
                        .append(demands.get(i).broken())
                        .append(" THEN ")
                        .append(FIRST + i)
                        .append(' ');
            }
            return demands.isEmpty() ? "CAST(NULL AS INTEGER)" : cases + "END";
        }

        /** Behind the numbers of columns. */
        private static final int FIRST = 1_000_000;
    }

    static StreamInput of(BoundStream stream, BoundStream.Printed sql, List<DataFile> files) {
        return of(stream, sql, files, List.of());
    }

    static StreamInput of(
            BoundStream stream,
            BoundStream.Printed sql,
            List<DataFile> files,
            List<Demand> demands) {
        return stream.input().table().isBronze()
                ? new Events(stream, sql, files, demands)
                : new Rows(stream, sql, files, demands);
    }

    /** The SELECT of the candidates. */
    String candidates();

    /** In what order keys are asked about. */
    String order();

    /** What names the rule that a malformed row broke. */
    String rule();

    /** A sentence about a malformed row. */
    String message();

    /** Partition, position and index of a row of the candidates' table. */
    default List<String> columnPlace() {
        return PLACE_COLUMNS;
    }

    /** The columns that quarantine needs beside the output. */
    default String[] carried() {
        return new String[] {
            "\"tonle$key\"",
            "\"tonle$time\"",
            "\"tonle$partition\"",
            "\"tonle$position\"",
            "\"tonle$index\"",
            "\"tonle$payload\""
        };
    }

    /** A text that says where a row comes from. */
    String where();

    private static String condition(BoundStream.Printed sql) {
        return sql.where().map(where -> "(" + where + ")").orElse("true");
    }

    /** Rows of a bronze table. */
    record Events(
            BoundStream stream, BoundStream.Printed sql, List<DataFile> files, List<Demand> demands)
            implements StreamInput {
        /** The number of the rule that an event has no fields but those that columns are for. */
        private static final int OTHER_FIELD = -1;

        private SqlTable table() {
            return stream.input().table();
        }

        @Override
        public String candidates() {
            List<ReadColumn> onRead = table().onRead();
            Set<String> used = stream.inputColumns();
            List<String> inner = new ArrayList<>();
            table().schema().columns().stream()
                    .map(Types.NestedField::name)
                    .filter(used::contains)
                    .map(DuckTypes::name)
                    .forEach(inner::add);
            for (int i = 0; i < onRead.size(); i++) {
                // a column that isn't used is judged all the same
                inner.add(
                        JsonScan.value(onRead.get(i), i + 1)
                                + " AS "
                                + DuckTypes.name(onRead.get(i).name()));
            }
            inner.add("\"event_id\" AS \"tonle$event_id\"");
            inner.add("epoch_us(\"ingest_time\") AS \"tonle$time\"");
            inner.add("\"partition\" AS \"tonle$partition\"");
            inner.add("\"position\" AS \"tonle$position\"");
            inner.add("\"index\" AS \"tonle$index\"");
            inner.add("\"payload\" AS \"tonle$payload\"");
            inner.add(
                    "\"headers\"["
                            + DuckTypes.text(BronzeTable.PROBLEM_HEADER)
                            + "] AS \"tonle$unreadable\"");
            inner.add(JsonScan.TEXTS + " AS \"tonle$texts\"");
            inner.add(
                    table().only().map(JsonScan::otherField).orElse("CAST(NULL AS VARCHAR)")
                            + " AS \"tonle$drift\"");

            List<String> kept = new ArrayList<>();
            used.stream().sorted().map(DuckTypes::name).forEach(kept::add);
            kept.addAll(
                    List.of(
                            key() + " AS \"tonle$key\"",
                            "\"tonle$time\"",
                            "\"tonle$partition\"",
                            "\"tonle$position\"",
                            "\"tonle$index\"",
                            payload() + " AS \"tonle$payload\"",
                            "\"tonle$problem\"",
                            "\"tonle$unreadable\"",
                            "\"tonle$drift\"",
                            "CASE WHEN \"tonle$problem\" IS NOT NULL THEN \"tonle$texts\" END AS"
                                    + " \"tonle$texts\""));
            return "SELECT "
                    + String.join(", ", kept)
                    + " FROM (SELECT *, "
                    + problem()
                    + " AS \"tonle$problem\" FROM (SELECT "
                    + String.join(", ", inner)
                    + " FROM (SELECT *, "
                    + JsonScan.texts(paths())
                    + " AS "
                    + JsonScan.TEXTS
                    + " FROM ("
                    + Scan.files(table().schema().columns(), files)
                    + "))) AS "
                    + DuckTypes.name(sql.inputAlias())
                    + ") AS "
                    + DuckTypes.name(sql.inputAlias())
                    + " WHERE CASE WHEN \"tonle$problem\" IS NOT NULL THEN true ELSE "
                    + condition(sql)
                    + " END";
        }

        /** Of the rows that may end in quarantine; the other ones' is the most of the table. */
        private String payload() {
            return stream.expectations().stream().anyMatch(e -> e.violation() == DROP_ROW)
                    ? "\"tonle$payload\""
                    : "CASE WHEN \"tonle$problem\" IS NOT NULL THEN \"tonle$payload\" END";
        }

        private List<org.tonle.definition.JsonPath> paths() {
            return table().onRead().stream().map(ReadColumn::path).toList();
        }

        /** The declared key as its type writes it, so that 1 and 1.0 are one number. */
        private String key() {
            return table().key()
                    .map(name -> "coalesce(CAST(" + DuckTypes.name(name) + " AS VARCHAR), ")
                    .map(typed -> typed + "\"tonle$event_id\")")
                    .orElse("\"tonle$event_id\"");
        }

        private boolean mustBeThere(ReadColumn column) {
            return column.required() || table().key().filter(column.name()::equals).isPresent();
        }

        /** The number of the first rule broken: 0 no object, i the column, a field without one. */
        private String problem() {
            StringBuilder problem = new StringBuilder("CASE ");
            problem.append(
                            "WHEN \"tonle$unreadable\" IS NOT NULL OR \"tonle$texts\" IS NULL OR NOT ")
                    .append(JsonScan.isObject("\"tonle$payload\""))
                    .append(" THEN 0 ");
            List<ReadColumn> columns = table().onRead();
            for (int i = 0; i < columns.size(); i++) {
                String name = DuckTypes.name(columns.get(i).name());
                if (mustBeThere(columns.get(i))) {
                    problem.append("WHEN ").append(name).append(" IS NULL");
                } else {
                    problem.append("WHEN ")
                            .append(name)
                            .append(" IS NULL AND \"tonle$texts\"[")
                            .append(i + 1)
                            .append("] IS NOT NULL");
                }
                problem.append(" THEN ").append(i + 1).append(' ');
            }
            return problem
                    + "WHEN \"tonle$drift\" IS NOT NULL THEN "
                    + OTHER_FIELD
                    + " ELSE "
                    + Demand.number(demands)
                    + " END";
        }

        @Override
        public String order() {
            return "\"tonle$time\", \"tonle$partition\", \"tonle$position\", \"tonle$index\"";
        }

        @Override
        public String rule() {
            StringBuilder rule =
                    new StringBuilder(
                            "CASE \"tonle$problem\" WHEN 0 THEN 'payload' WHEN "
                                    + OTHER_FIELD
                                    + " THEN 'drift' ");
            List<ReadColumn> columns = table().onRead();
            for (int i = 0; i < columns.size(); i++) {
                rule.append("WHEN ").append(i + 1).append(" THEN ");
                rule.append(DuckTypes.text(columns.get(i).name())).append(' ');
            }
            return rule + Demand.cases(demands, "", Demand::rule) + "END";
        }

        @Override
        public String message() {
            StringBuilder message =
                    new StringBuilder(
                            "CASE WHEN \"tonle$unreadable\" IS NOT NULL THEN \"tonle$unreadable\" WHEN"
                                    + " \"tonle$problem\" = 0 AND \"tonle$texts\" IS NULL THEN 'the"
                                    + " payload is no JSON' WHEN \"tonle$problem\" = 0 THEN 'the"
                                    + " payload is no JSON object' WHEN \"tonle$problem\" = "
                                    + OTHER_FIELD
                                    + " THEN \"tonle$drift\" ");
            List<ReadColumn> columns = table().onRead();
            for (int i = 0; i < columns.size(); i++) {
                String text = "\"tonle$texts\"[" + (i + 1) + "]";
                message.append("WHEN \"tonle$problem\" = ")
                        .append(i + 1)
                        .append(" THEN CASE WHEN ")
                        .append(text)
                        .append(" IS NULL THEN ")
                        .append(DuckTypes.text(columns.get(i).name() + " is required and missing"))
                        .append(" ELSE ")
                        .append(DuckTypes.text(columns.get(i).name() + " is "))
                        .append(" || left(")
                        .append(text)
                        .append(", 200) || ")
                        .append(DuckTypes.text(", which is no " + columns.get(i).type()))
                        .append(" END ");
            }
            return message + Demand.cases(demands, "\"tonle$problem\" = ", Demand::message) + "END";
        }

        @Override
        public String where() {
            return "'partition ' || \"tonle$partition\" || ', position ' || \"tonle$position\" ||"
                    + " ', index ' || \"tonle$index\" || ', key ' || \"tonle$key\"";
        }
    }

    /** Rows of another streaming table: intact, with key and time of their own. */
    record Rows(
            BoundStream stream, BoundStream.Printed sql, List<DataFile> files, List<Demand> demands)
            implements StreamInput {
        @Override
        public String candidates() {
            SqlTable table = stream.input().table();
            // the row itself is what quarantine would keep, so all its columns are read
            String shown =
                    table.schema().columns().stream()
                            .map(Types.NestedField::name)
                            .filter(name -> !SqlTable.isHidden(name))
                            .map(name -> DuckTypes.name(name) + " := " + DuckTypes.name(name))
                            .collect(Collectors.joining(", "));
            String row = "CAST(to_json(struct_pack(" + shown + ")) AS VARCHAR)";
            String refused = Demand.number(demands);
            return "SELECT *, \""
                    + SqlTable.KEY
                    + "\" AS \"tonle$key\", epoch_us(\""
                    + SqlTable.INGEST_TIME
                    + "\") AS \"tonle$time\", NULL AS \"tonle$partition\", NULL AS"
                    + " \"tonle$position\", NULL AS \"tonle$index\", "
                    + refused
                    + " AS \"tonle$problem\", "
                    + (!stream.expectations().isEmpty()
                            ? row
                            : "CASE WHEN " + refused + " IS NOT NULL THEN " + row + " END")
                    + " AS \"tonle$payload\" FROM ("
                    + Scan.files(table.schema().columns(), files)
                    + ") AS "
                    + DuckTypes.name(sql.inputAlias())
                    + " WHERE "
                    + condition(sql);
        }

        @Override
        public String order() {
            return "\"tonle$time\", \"tonle$key\"";
        }

        @Override
        public String rule() {
            return demands.isEmpty()
                    ? "''"
                    : "CASE \"tonle$problem\" " + Demand.cases(demands, "", Demand::rule) + "END";
        }

        @Override
        public String message() {
            return demands.isEmpty()
                    ? "''"
                    : "CASE "
                            + Demand.cases(demands, "\"tonle$problem\" = ", Demand::message)
                            + "END";
        }

        @Override
        public String where() {
            return "'key ' || \"tonle$key\"";
        }
    }
}
