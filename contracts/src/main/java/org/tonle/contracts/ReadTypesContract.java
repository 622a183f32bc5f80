package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tonle.contracts.StreamKit.Event;
import org.tonle.contracts.StreamKit.Run;
import org.tonle.contracts.StreamKit.SeenKeys;
import org.tonle.definition.ColumnType;
import org.tonle.definition.ValueKinds;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;

/**
 * Which JSON values are of which type: the table of {@code docs/types.md}, a line of it each. In a
 * streaming run a value that isn't of its type sends the event to quarantine; in a query it is
 * NULL.
 */
public abstract class ReadTypesContract {
    private static final String REFUSED = "refused";

    @SuppressWarnings("NullAway.Init") // JUnit sets it
    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init") // set before each test
    private SqlEngine engine;

    /** A new engine that may read and write below {@code directory}. */
    protected abstract SqlEngine open(Path directory);

    @BeforeEach
    void openEngine() {
        engine = open(directory);
    }

    @AfterEach
    void closeEngine() {
        engine.close();
    }

    @ParameterizedTest(name = "{0}: {1} is {2}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "boolean | true | true",
                "boolean | \"false\" | false",
                "boolean | 1 | refused",
                "boolean | \"yes\" | refused",
                "boolean | null | null",
                "int | 0 | 0",
                "int | -2147483648 | -2147483648",
                "int | 2147483648 | refused",
                "int | 7.0 | 7",
                "int | 1e3 | 1000",
                "int | 1.5 | refused",
                "int | \"12\" | 12",
                "int | \"+12\" | 12",
                "int | \" 12\" | refused",
                "int | \"0x1F\" | refused",
                "int | \"1_000\" | refused",
                "int | \"\" | refused",
                "int | true | refused",
                "int | {\"a\":1} | refused",
                "int | [] | refused",
                "bigint | 9223372036854775807 | 9223372036854775807",
                "bigint | 9223372036854775808 | refused",
                "bigint | -9223372036854775808 | -9223372036854775808",
                "bigint | 99999999999999999999999 | refused",
                "bigint | 9007199254740991.0 | 9007199254740991",
                "bigint | 9007199254740993.0 | refused",
                "bigint | 9223372036854775807.0 | refused",
                "double | 1 | 1.0",
                "double | -1.5e-3 | -0.0015",
                "double | 1e308 | 1.0E308",
                "double | 1e309 | refused",
                "double | \"2.5\" | 2.5",
                "double | \"NaN\" | refused",
                "double | \"Infinity\" | refused",
                "double | \"1_0\" | refused",
                "double | false | refused",
                "decimal(10,2) | 12.5 | 12.50",
                "decimal(10,2) | \"12.50\" | 12.50",
                "decimal(10,2) | 12.500 | 12.50",
                "decimal(10,2) | 0.1 | 0.10",
                "decimal(10,2) | 12.345 | refused",
                "decimal(10,2) | 12345678.91 | 12345678.91",
                "decimal(10,2) | 123456789 | refused",
                "decimal(10,2) | 1.5e3 | 1500.00",
                "decimal(10,2) | \"1.5e3\" | 1500.00",
                "decimal(10,2) | \"abc\" | refused",
                "decimal(38,9) | 12345678901234567.89 | refused",
                "decimal(38,9) | \"12345678901234567.89\" | 12345678901234567.890000000",
                "decimal(38,9) | 12345678901234567 | 12345678901234567.000000000",
                "decimal(5,0) | 12.0 | 12",
                "decimal(5,0) | 12.5 | refused",
                "string | \"a \\\"b\\\" \\\\ ü 🚲\" | a \"b\" \\ ü 🚲",
                "string | 12 | 12",
                "string | true | true",
                "string | {\"a\": [1, 2]} | {\"a\":[1,2]}",
                "string | \"null\" | null",
                "date | \"2001-01-05\" | 2001-01-05",
                "date | \"2001/01/05\" | 2001-01-05",
                "date | \"1900-02-28\" | 1900-02-28",
                "date | \"2001-02-29\" | refused",
                "date | \"2001-1-5\" | refused",
                "date | \"2001-01-05 10:00\" | refused",
                "date | \"epoch\" | refused",
                "date | 20010105 | refused",
                "timestamp | \"2001-01-05T10:11:12.123456\" | 2001-01-05 10:11:12.123456",
                "timestamp | \"2001-01-05 10:11:12\" | 2001-01-05 10:11:12",
                "timestamp | \"2001-01-05 10:11\" | 2001-01-05 10:11:00",
                "timestamp | \"2001/01/05 10:11\" | 2001-01-05 10:11:00",
                "timestamp | \"1899-12-31T23:59:59\" | 1899-12-31 23:59:59",
                "timestamp | \"2001-01-05T10:11:12.123456789\" | 2001-01-05 10:11:12.123456",
                "timestamp | \"2001-01-05T10:11:12Z\" | refused",
                "timestamp | \"2001-01-05T10:11:12+02:00\" | refused",
                "timestamp | \"2001-01-05\" | refused",
                "timestamp | \"2001-01-05 24:00:00\" | refused",
                "timestamp | \"2001-13-05 10:00:00\" | refused",
                "timestamp | 1700000000 | refused",
                "timestamptz | \"2001-01-05T10:11:12Z\" | 2001-01-05 10:11:12+00",
                "timestamptz | \"2001-01-05T10:11:12.5+02:00\" | 2001-01-05 08:11:12.5+00",
                "timestamptz | \"2001-01-05T10:11-0330\" | 2001-01-05 13:41:00+00",
                "timestamptz | \"2001-01-05 10:11\" | 2001-01-05 10:11:00+00",
                "timestamptz | \"2001-01-05 10:11:12 Europe/Berlin\" | refused",
                "timestamptz | \"2001-01-05\" | refused",
                "timestamptz | 1700000000 | refused",
            })
    void aJsonValueIsOfItsTypeOrRefused(String type, String json, String expected) {
        SqlTable source = StreamKit.source(StreamKit.column("v", type(type), false));
        StreamKit kit = new StreamKit(engine, directory);
        kit.events(source, new Event("e", 0, "{\"v\":" + json + "}"));

        Run run =
                kit.run(
                        "CREATE STREAMING TABLE silver.out AS SELECT v FROM STREAM bronze.events",
                        new SeenKeys());
        assertThat(run.result().malformed()).isEqualTo(expected.equals(REFUSED) ? 1 : 0);
        if (!expected.equals(REFUSED)) {
            assertThat(same(kit.rows(run, "CAST(v AS VARCHAR) AS v", "1").getFirst().getFirst()))
                    .isEqualTo(same(expected));
        }

        @Nullable Object queried =
                kit.tables()
                        .rows("SELECT CAST(v AS VARCHAR) AS v FROM bronze.events")
                        .getFirst()
                        .getFirst();
        assertThat(same(queried)).isEqualTo(expected.equals(REFUSED) ? "null" : same(expected));
    }

    @Test
    void theTypeThatIsInferredFromValuesTakesThemAll() throws IOException {
        List<String> texts =
                List.of(
                        "0",
                        "-1",
                        "2147483648",
                        "999999999999999",
                        "9223372036854775807",
                        "9223372036854775808",
                        "1.5",
                        "1.25",
                        "0.000001",
                        "123456789012.5",
                        "12345678901234567.89",
                        "1e5",
                        "1e400",
                        "-2.5E-3",
                        "true",
                        "x",
                        "",
                        "2001-01-05",
                        "2001/01/05",
                        "2001-01-05 10:00",
                        "2001-01-05T10:00:00.5Z",
                        "2001-02-29",
                        "007",
                        "1".repeat(39));
        List<String> numbers =
                List.of("1.5", "12345678901234.5", "1.0e3", "7", "-9223372036854775808");
        for (int seed = 0; seed < 60; seed++) {
            Random random = new Random(seed);
            ValueKinds kinds = new ValueKinds();
            List<Event> events = new ArrayList<>();
            int some = 1 + random.nextInt(texts.size());
            for (int i = 0; i < 5; i++) {
                int from = random.nextInt(some);
                String json;
                if (random.nextInt(3) == 0) {
                    String number = numbers.get(from % numbers.size());
                    if (number.contains(".")) {
                        kinds.real(number);
                    } else {
                        kinds.whole(number);
                    }
                    json = number;
                } else {
                    kinds.text(texts.get(from));
                    json = '"' + texts.get(from) + '"';
                }
                events.add(new Event(seed + "-" + i, i, "{\"v\":" + json + "}"));
            }
            ColumnType type = ValueKinds.of(kinds.facts()).type();
            StreamKit kit =
                    new StreamKit(engine, Files.createDirectory(directory.resolve("of-" + seed)));
            kit.events(
                    StreamKit.source(StreamKit.column("v", type, false)),
                    events.toArray(Event[]::new));
            assertThat(
                            kit.run(
                                            "CREATE STREAMING TABLE silver.out AS SELECT v FROM STREAM bronze.events",
                                            new SeenKeys())
                                    .result()
                                    .malformed())
                    .as("seed %d: %s as %s", seed, events, type)
                    .isZero();
        }
    }

    /** How doubles are printed differs in letters only. */
    private static String same(@Nullable Object value) {
        String text = String.valueOf(value);
        return text.matches("-?[0-9.]+(E|e\\+?)[0-9]+")
                ? String.valueOf(Double.parseDouble(text))
                : text;
    }

    private static ColumnType type(String text) {
        if (text.startsWith("decimal")) {
            int comma = text.indexOf(',');
            return new ColumnType.Decimal(
                    Integer.parseInt(text, 8, comma, 10),
                    Integer.parseInt(text, comma + 1, text.length() - 1, 10));
        }
        return ColumnType.Simple.valueOf(text.toUpperCase(java.util.Locale.ROOT));
    }
}
