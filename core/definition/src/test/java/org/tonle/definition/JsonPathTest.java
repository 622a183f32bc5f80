package org.tonle.definition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonPathTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "$.a",
                "$.a.b",
                "$.a[0][12].b",
                "$['a b']",
                "$[\"it's\"].x",
                "$[0]",
                "$.é-1"
            })
    void isPrintedAsItIsRead(String path) {
        assertThat(JsonPath.parse(path)).hasToString(path);
        assertThat(JsonPath.parse(JsonPath.parse(path).toString())).isEqualTo(JsonPath.parse(path));
    }

    @Test
    void theTwoSpellingsOfAFieldAreOne() {
        assertThat(JsonPath.parse("$['a'][\"b\"]")).isEqualTo(JsonPath.parse("$.a.b"));
        assertThat(JsonPath.parse("$['a]b']").steps()).containsExactly(new JsonPath.Field("a]b"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    a.b       | starts with $
                    $         | names the whole event
                    $.        | at character 2
                    $..a      | at character 2
                    $.a b     | at character 4
                    $.a[      | never closed
                    $.a[x]    | takes an index
                    $.a[-1]   | takes an index
                    $.a[*]    | takes an index
                    $.*       | a field name has to follow
                    $[99999999999] | takes an index
                    """)
    void whatIsNoPathIsRefusedWithTheReason(String path, String reason) {
        assertThatThrownBy(() -> JsonPath.parse(path))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void aNameMayStandInDoubleQuotesAsInSql() {
        assertThat(JsonPath.parse("$.\"a b\".c[1]").steps())
                .containsExactly(
                        new JsonPath.Field("a b"), new JsonPath.Field("c"), new JsonPath.Index(1));
        assertThatThrownBy(() -> JsonPath.parse("$.\"a"))
                .hasMessageContaining("the quote is never closed");
    }
}
