package org.tonle.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tonle.definition.JsonPath;

class SchemaInferenceTest {
    private static String columns(List<JsonPath.Step> under, String... events) {
        SchemaInference schema = new SchemaInference(under);
        for (String event : events) {
            byte[] bytes = (" " + event).getBytes(UTF_8);
            schema.add(bytes, 1, bytes.length);
        }
        return schema.columns().stream()
                .map(column -> column.path() + " " + column.type() + " " + column.seen())
                .collect(Collectors.joining("\n"));
    }

    /** The values of one field, one event each. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    1 ; -7 ; "12"                                | int
                    1 ; 2147483648                               | bigint
                    9223372036854775807 ; "0"                    | bigint
                    9223372036854775808                          | string
                    1 ; 1.5                                      | double
                    1e3 ; "2.5E-7"                               | double
                    "9.50" ; "12.30"                             | decimal(18,2)
                    "9.50" ; 7                                   | decimal(18,2)
                    "9.50" ; "12.3"                              | double
                    "12345678901234567890.50" ; "1.5"            | decimal(22,2)
                    "9.50" ; 1.5                                 | double
                    "12345678901234.50" ; 1.5                    | string
                    0.12345678901234567890                       | string
                    "007"                                        | string
                    "1" ; "a"                                    | string
                    true ; "false"                               | boolean
                    true ; 1                                     | string
                    "2001-01-05" ; "2001/01/05"                  | date
                    "2001-02-30"                                 | string
                    "2001-01-05" ; "2001-01-05T10:11"            | string
                    "2001-01-05T10:11:12.5" ; "2001/01/05 10:11" | timestamp
                    "2001-01-05T10:11" ; "2001-01-05T10:11Z"     | timestamptz
                    "2001-01-05T10:11:12+02:00"                  | timestamptz
                    "2001-01-05T24:00"                           | string
                    [1] ; null                                   | string
                    1 ; {"a": 1}                                 | string
                    null ; {}                                    | string
                    """)
    void theTypeIsTheNarrowestThatTakesEveryValue(String values, String type) {
        SchemaInference schema = new SchemaInference(List.of());
        for (String value : values.split(" ; ")) {
            byte[] event = "{\"v\": %s}".formatted(value.strip()).getBytes(UTF_8);
            schema.add(event, 0, event.length);
        }
        assertThat(schema.columns()).hasSize(1);
        assertThat(schema.columns().getFirst().type().toString()).isEqualTo(type.strip());
    }

    @Test
    void objectsAreGoneIntoAndArraysAreNot() {
        assertThat(
                        columns(
                                List.of(),
                                "{\"id\": 1, \"at\": {\"city\": \"x\", \"b c\": {\"d\": true}}}",
                                "{\"tags\": [{\"a\": 1}], \"at\": null, \"id\": null}",
                                "[1]",
                                "7"))
                .isEqualTo(
                        "$.id int 1\n$.at.city string 1\n$.at['b c'].d boolean 1\n$.tags string 1");
        assertThat(
                        columns(
                                List.of(new JsonPath.Field("row")),
                                "{\"op\": \"c\", \"x\": {\"row\": 1}, \"row\": {\"id\": 1}}",
                                "{\"op\": \"t\"}"))
                .isEqualTo("$.row.id int 1");
    }

    @Test
    void whatHasNoEndIsCutOff() {
        StringBuilder wide = new StringBuilder("{\"a\": 1");
        for (int i = 0; i < 10_000; i++) {
            wide.append(", \"f").append(i).append("\": 1");
        }
        assertThat(columns(List.of(), wide.append("}").toString()).lines()).hasSize(300);
        String deep = "{\"a\": ".repeat(400) + "1" + "}".repeat(400);
        assertThat(columns(List.of(), deep)).isEqualTo("$.a.a.a.a.a.a string 1");
    }
}
