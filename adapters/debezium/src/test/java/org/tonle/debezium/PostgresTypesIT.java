package org.tonle.debezium;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PostgresTypesIT {
    /** Type, value as SQL writes it, value as JSON has it. */
    private static final String[][] VALUES = {
        {"boolean", "true", "true"},
        {"smallint", "-32768", "-32768"},
        {"integer", "2147483647", "2147483647"},
        {"bigint", "-9223372036854775808", "-9223372036854775808"},
        {"real", "1.5", "1.5"},
        {"double precision", "0.1", "0.1"},
        {"double precision", "'NaN'", "\"NaN\""},
        {"double precision", "'-Infinity'", "\"-Infinity\""},
        {
            "numeric",
            "123456789012345678901234567890.123456789",
            "\"123456789012345678901234567890.123456789\""
        },
        {"numeric(12,2)", "12.50", "\"12.50\""},
        {"numeric", "'NaN'", "\"NaN\""},
        {"numeric", "'Infinity'", "\"Infinity\""},
        {"money", "12.34", "\"12.34\""},
        {"text", "E'a\"b\\\\c\\n\\u00e4\\U0001F600'", "\"a\\\"b\\\\c\\nä😀\""},
        {"varchar(10)", "''", "\"\""},
        {"char(4)", "'ab'", "\"ab  \""},
        {"\"char\"", "'x'", "\"x\""},
        {"name", "'who'", "\"who\""},
        {"citext_like", "'ok'", "\"ok\""},
        {"bytea", "'\\xdeadbeef'", "\"3q2+7w==\""},
        {"date", "'2001-02-03'", "\"2001-02-03\""},
        {"date", "'infinity'", "\"infinity\""},
        {"date", "'-infinity'", "\"-infinity\""},
        {"time", "'04:05:06.789'", "\"04:05:06.789000\""},
        {"time", "'24:00'", "\"24:00:00\""},
        {"timetz", "'04:05:06+02'", "\"02:05:06Z\""},
        {"timestamp", "'2001-02-03 04:05:06.123456'", "\"2001-02-03T04:05:06.123456\""},
        {"timestamp(0)", "'1969-12-31 23:59:59'", "\"1969-12-31T23:59:59\""},
        {"timestamp", "'infinity'", "\"infinity\""},
        {"timestamp", "'-infinity'", "\"-infinity\""},
        {"timestamptz", "'2001-02-03 04:05:06.123456+02'", "\"2001-02-03T02:05:06.123456Z\""},
        {"timestamptz", "'infinity'", "\"infinity\""},
        {"timestamptz", "'-infinity'", "\"-infinity\""},
        {"interval", "'1 year 2 months 3 days 04:05:06.5'", "\"P1Y2M3DT4H5M6.5S\""},
        {
            "uuid",
            "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
            "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""
        },
        {"json", "'{\"a\": [1,  2]}'", "\"{\\\"a\\\": [1,  2]}\""},
        {"jsonb", "'{\"a\": [1,  2]}'", "\"{\\\"a\\\": [1, 2]}\""},
        {"xml", "'<a>b</a>'", "\"<a>b</a>\""},
        {"bit(5)", "B'10110'", "\"10110\""},
        {"bit(1)", "B'1'", "true"},
        {"varbit(12)", "B'101100000001'", "\"101100000001\""},
        {"inet", "'192.168.0.1/24'", "\"192.168.0.1/24\""},
        {"cidr", "'10.0.0.0/8'", "\"10.0.0.0/8\""},
        {"macaddr", "'08:00:2b:01:02:03'", "\"08:00:2b:01:02:03\""},
        {
            "point",
            "'(1.5,2)'",
            "{\"x\":1.5,\"y\":2.0,\"wkb\":\"AQEAAAAAAAAAAAD4PwAAAAAAAABA\",\"srid\":null}"
        },
        {"int4range", "'[1,5)'", "\"[1,5)\""},
        {"tsvector", "'a:1 b:2'", "\"'a':1 'b':2\""},
        {"mood", "'happy'", "\"happy\""},
        {"positive", "7", "7"},
        {"pair", "'(1,x)'", "\"(1,x)\""},
        {"pg_lsn", "'16/B374D848'", "\"16/B374D848\""},
        {"oid", "4294967295", "4294967295"},
        {"integer[]", "'{1,NULL,3}'", "[1,null,3]"},
        {"integer[]", "'{{1,2},{3,4}}'", "[[1,2],[3,4]]"},
        {"integer[]", "'[0:1]={5,6}'", "[5,6]"},
        {"text[]", "ARRAY['NULL', NULL, 'q\"\\z', '']", "[\"NULL\",null,\"q\\\"\\\\z\",\"\"]"},
        {"double precision[]", "'{1.5,NaN}'", "[1.5,\"NaN\"]"},
        {
            "timestamp[]",
            "'{2001-02-03 04:05:06.5,infinity}'",
            "[\"2001-02-03T04:05:06.5\",\"infinity\"]"
        },
        {"text[]", "'{a,\"b,c\"}'", "[\"a\",\"b,c\"]"},
        {"numeric(5,2)[]", "'{1.25,2.5}'", "[\"1.25\",\"2.50\"]"},
        {"date[]", "'{2001-02-03}'", "[\"2001-02-03\"]"},
        {
            "timestamptz[]",
            "'{2001-02-03 04:05:06+02,2001-02-03 04:05:06.25+00}'",
            "[\"2001-02-03T02:05:06Z\",\"2001-02-03T04:05:06.250Z\"]"
        },
        {"bytea[]", "'{\"\\\\xdead\"}'", "[\"3q0=\"]"},
        {
            "uuid[]",
            "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'",
            "[\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"]"
        },
        {"boolean[]", "'{t,f}'", "[true,false]"},
        {"mood[]", "'{happy}'", "[\"happy\"]"},
        {"text", "NULL", "null"},
    };

    @TempDir static Path temp;
    private static CapturedServer server;
    private CapturedServer.Database shop;

    @BeforeAll
    static void start() {
        server = CapturedServer.start(temp.resolve("postgres"));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void database() {
        shop = server.database();
        shop.run(
                "CREATE TYPE mood AS ENUM ('sad', 'happy')",
                "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
                "CREATE DOMAIN citext_like AS text",
                "CREATE TYPE pair AS (a integer, b text)");
    }

    /** The same in a row that was there and in one that came. */
    @Test
    void everyTypeIsReadAsItIsWritten() {
        List<String> columns = new ArrayList<>();
        List<String> values = new ArrayList<>();
        for (int i = 0; i < VALUES.length; i++) {
            columns.add("c" + i + " " + VALUES[i][0]);
            values.add(VALUES[i][1]);
        }
        String insert = "INSERT INTO kinds VALUES (%d, " + String.join(", ", values) + ")";
        shop.run(
                "CREATE TABLE kinds (id bigint PRIMARY KEY, " + String.join(", ", columns) + ")",
                insert.formatted(1));
        try (Capture capture = new Capture(Capture.kind(shop, "public.kinds")).begin()) {
            capture.until(1);
            shop.run(insert.formatted(2));
            capture.until(2);

            List<String> wrong = new ArrayList<>();
            for (JsonNode line : capture.lines()) {
                for (int i = 0; i < VALUES.length; i++) {
                    String found = String.valueOf(line.get("row").get("c" + i));
                    if (!found.equals(VALUES[i][2])) {
                        wrong.add(
                                "%s %s %s: %s, not %s"
                                        .formatted(
                                                line.get("op").asText(),
                                                VALUES[i][0],
                                                VALUES[i][1],
                                                found,
                                                VALUES[i][2]));
                    }
                }
            }
            assertThat(wrong).isEmpty();
        }
    }

    /** Of each type that the server stores apart and leaves out where it didn't change. */
    @Test
    void aLargeValueThatDidNotChangeIsLeftOutAndNamed() {
        String[][] large = {
            {"text", "string_agg(md5(i::text), '')"},
            {"bytea", "string_agg(md5(i::text), '')::bytea"},
            {"jsonb", "jsonb_agg(md5(i::text))"},
            {"json", "json_agg(md5(i::text))"},
            {"xml", "('<a>' || string_agg(md5(i::text), '') || '</a>')::xml"},
            {"numeric", "('1' || left(string_agg((i * 7919)::text, ''), 50000))::numeric"},
            {"text[]", "array_agg(md5(i::text))"},
            {"integer[]", "array_agg(i * 7919)"},
            {"bigint[]", "array_agg(i::bigint * 7919)"},
            {"numeric[]", "array_agg(i * 7919.5)"},
            {"timestamp[]", "array_agg('2001-01-01'::timestamp + i * interval '7919 s')"},
            {"timestamptz[]", "array_agg('2001-01-01'::timestamptz + i * interval '7919 s')"},
            {"date[]", "array_agg('2001-01-01'::date + i)"},
            {"boolean[]", "array_agg(md5(i::text) < '8')"},
            {"double precision[]", "array_agg(sin(i))"},
            {"uuid[]", "array_agg(md5(i::text)::uuid)"},
            {"bytea[]", "array_agg(md5(i::text)::bytea)"},
            {"jsonb[]", "array_agg(to_jsonb(md5(i::text)))"},
            {"mood[]", "array_agg('sad'::mood)"},
            {
                "varbit",
                "string_agg(CASE WHEN md5(i::text) < '8' THEN '1' ELSE '0' END, '')::varbit"
            },
            {"tsvector", "array_to_tsvector(array_agg(md5(i::text)))"},
            {"varchar", "string_agg(md5(i::text), '')"},
            {"citext_like", "string_agg(md5(i::text), '')"},
        };
        List<String> columns = new ArrayList<>();
        List<String> values = new ArrayList<>();
        List<String> storages = new ArrayList<>();
        for (int i = 0; i < large.length; i++) {
            columns.add("c" + i + " " + large[i][0]);
            values.add(large[i][1]);
            storages.add("ALTER c" + i + " SET STORAGE EXTERNAL");
        }
        shop.run(
                "CREATE TABLE kinds (id bigint PRIMARY KEY, n integer, "
                        + String.join(", ", columns)
                        + ")",
                "ALTER TABLE kinds " + String.join(", ", storages),
                "INSERT INTO kinds SELECT 1, 0, "
                        + String.join(", ", values)
                        + " FROM generate_series(1, 20000) i");
        try (Capture capture = new Capture(Capture.kind(shop, "public.kinds")).begin()) {
            capture.until(1);
            shop.run("UPDATE kinds SET n = 1");
            capture.until(2);

            JsonNode update = capture.lines().getLast();
            List<String> wrong = new ArrayList<>();
            for (int i = 0; i < large.length; i++) {
                if (update.get("row").has("c" + i)
                        || !update.path("unchanged").asText().contains("\"c" + i + "\"")) {
                    String text = update.get("row").path("c" + i).toString();
                    wrong.add(large[i][0] + ": " + text.substring(0, Math.min(60, text.length())));
                }
            }
            assertThat(wrong).isEmpty();
            assertThat(update.get("row").get("n").asInt()).isEqualTo(1);
        }
    }

    @Test
    void anOldRowIsToldAsFarAsTheDatabaseTellsIt() {
        shop.run(
                "CREATE TABLE whole (id bigint PRIMARY KEY, name text, big text)",
                "ALTER TABLE whole REPLICA IDENTITY FULL",
                "ALTER TABLE whole ALTER big SET STORAGE EXTERNAL",
                "CREATE TABLE none (name text)",
                "ALTER TABLE none REPLICA IDENTITY NOTHING",
                "CREATE PUBLICATION tonle_" + shop.name() + " FOR TABLE whole, none");
        try (Capture capture =
                new Capture(Capture.kind(shop, "public.whole", "public.none")).begin()) {
            capture.until(0);
            shop.run(
                    "INSERT INTO whole VALUES (1, 'a', repeat('x', 10000)), (2, NULL, NULL)",
                    "UPDATE whole SET name = 'b' WHERE id = 1",
                    "UPDATE whole SET id = 3 WHERE id = 2",
                    "DELETE FROM whole WHERE id = 1",
                    "INSERT INTO none VALUES ('n')");
            capture.until(7);

            List<String> lines =
                    capture.lines().stream()
                            .map(l ->
                                    "%s %s %s"
                                            .formatted(
                                                    l.get("op").asText(),
                                                    l.path("row"),
                                                    l.path("before"))
                                            .replaceAll("x{100,}", "x"))
                            .toList();
            assertThat(lines)
                    .containsExactly(
                            "c {\"id\":1,\"name\":\"a\",\"big\":\"x\"} ",
                            "c {\"id\":2,\"name\":null,\"big\":null} ",
                            "u {\"id\":1,\"name\":\"b\",\"big\":\"x\"} {\"id\":1,\"name\":\"a\",\"big\":\"x\"}",
                            "d {\"id\":2} ",
                            "c {\"id\":3,\"name\":null,\"big\":null} ",
                            "d {\"id\":1,\"name\":\"b\",\"big\":\"x\"} ",
                            "c {\"name\":\"n\"} ");
        }
    }
}
