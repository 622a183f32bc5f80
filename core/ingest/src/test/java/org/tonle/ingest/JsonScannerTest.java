package org.tonle.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One JSON text: in the manner of JSONTestSuite, and against Jackson on strictly decoded text. */
class JsonScannerTest {
    private static final Pattern SURROGATE = Pattern.compile("(?i)\\\\ud[89a-f]");
    private static final JsonFactory JACKSON =
            JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNestingDepth(JsonScanner.MAX_DEPTH)
                                    .maxNumberLength(1_000_000)
                                    .maxNameLength(10_000_000)
                                    .maxStringLength(100_000_000)
                                    .build())
                    .build();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "{\"a\":[]}",
                "[[]   ]",
                "[\"\"]",
                "[\"a\"]",
                "[false]",
                "[null, 1, \"1\", {}]",
                "[1\n]",
                " [1]",
                "[1,null,null,null,2]",
                "[2] ",
                "[0e+1]",
                "[0e1]",
                "[ 4]",
                "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]",
                "[20e1]",
                "[-0]",
                "[-123]",
                "[-1]",
                "[1E22]",
                "[1E-2]",
                "[1E+2]",
                "[123e45]",
                "[123.456e78]",
                "[1e-2]",
                "[1e+2]",
                "[1e999]",
                "[100000000000000000000000000000000000000]",
                "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}",
                "{\"a\":\"b\",\"a\":\"c\"}",
                "{\"\":0}",
                "{\"foo\\u0000bar\": 42}",
                "{\"min\": -1.0e+28, \"max\": 1.0e+28}",
                "{\n\"a\": \"b\"\n}",
                "[\"\\u0060\\u012a\\u12AB\"]",
                "[\"\\uD801\\udc37\"]",
                "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]",
                "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
                "[\"\\\\u0000\"]",
                "[\"a/*b*/c/*d//e\"]",
                "[\"\\uDADA\"]",
                "[\"new\\u00A0line\"]",
                "[\"€𝄞\"]",
                "[\"\u2028\u2029\"]",
                "[\"\u007f\"]",
                "[\"\uffff\"]",
                "[\"\udbff\udfff\"]",
                "[\"\ufeff\"]",
                "42",
                "-0.1",
                "null",
                "true",
                "\"string\"",
                "\"\"",
                "{\"a\":true\t,\r\n \"b\":{\"c\":[[{}]]}}",
                "\"1234567\"",
                "\"12345678\"",
                "\"123456789\\n\"",
            })
    void takes(String text) {
        assertThat(accepts(bytes(text))).as(text).isTrue();
        assertThat(oracle(bytes(text))).as("Jackson: " + text).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "[1 true]",
                "[\"\": 1]",
                "[,1]",
                "[1,,2]",
                "[\"x\",,]",
                "[\"x\"]]",
                "[\"\",]",
                "[\"x\"",
                "[x",
                "[3[ 4]]",
                "[1:2]",
                "[,]",
                "[-]",
                "[   , \"\"]",
                "[\"a\",\n4\n,1,",
                "[*]",
                "[1,\n1\n,1",
                "[fals]",
                "[nul]",
                "[tru]",
                "[truE]",
                "[++1234]",
                "[+1]",
                "[+Inf]",
                "[-01]",
                "[-1.0.]",
                "[-2.]",
                "[-NaN]",
                "[.-1]",
                "[.2e-3]",
                "[0.1.2]",
                "[0.3e+]",
                "[0.3e]",
                "[0.e1]",
                "[0E+]",
                "[0e]",
                "[1.0e+]",
                "[1eE2]",
                "[1 000.0]",
                "[2.e+3]",
                "[9.e+]",
                "[Infinity]",
                "[NaN]",
                "[0x42]",
                "[012]",
                "[- 1]",
                "[1+2]",
                "[1ea]",
                "[-foo]",
                "[1a]",
                "[\uff11]",
                "[\"x\", truth]",
                "{[: \"x\"}\n",
                "{\"x\", null}",
                "{\"x\"::\"b\"}",
                "{\"a\":\"a\" 123}",
                "{key: 'value'}",
                "{\"a\" b}",
                "{:\"b\"}",
                "{\"a\" \"b\"}",
                "{\"a\":",
                "{\"a\"",
                "{1:1}",
                "{null:null,null:null}",
                "{\"id\":0,}",
                "{\"id\":0,,\"b\":1}",
                "{'a':0}",
                "{\"a\":\"b\"}/**/",
                "{\"a\":\"b\"}#",
                "{\"a\":\"b\",,\"c\":\"d\"}",
                "{\"a\":/*comment*/\"b\"}",
                "{a: \"b\"}",
                "{\"a\":\"a",
                "{ \"foo\" : \"bar\", \"a\" }",
                "[\"\\x00\"]",
                "[\"\\uD800\\\"]",
                "[\"\\u00A\"]",
                "[\"\\u\"]",
                "[\"\\uqqqq\"]",
                "[\"\\a\"]",
                "[\"\\\"]",
                "[\"\\",
                "[\\u0020\"asd\"]",
                "\"",
                "['single quote']",
                "abc",
                "[\"a\u0000a\"]",
                "[\"new\nline\"]",
                "[\"\t\"]",
                "[\"\u001f\"]",
                "<.>",
                "[<null>]",
                "[1]x",
                "[True]",
                "1]",
                "{}}",
                "[}",
                "{]",
                "[{\"a\":1]}",
                "2@",
                "\f[]",
                "[\f]",
                "\u2060[]",
                "\ufeff{}",
                "[\"a\u0001234567\"]",
            })
    void refuses(String text) {
        assertThat(accepts(bytes(text))).as(text).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "C0 AF", // overlong /
                "E0 80 AF",
                "F0 80 80 AF",
                "C1 BF",
                "E0 9F BF",
                "F0 8F BF BF",
                "ED A0 80", // surrogates
                "ED BF BF",
                "F4 90 80 80", // above 10FFFF
                "F5 80 80 80",
                "FF",
                "FE",
                "80", // continuation without lead
                "BF",
                "E2 82", // cut
                "E2 82 22",
                "F0 9D 84",
                "C3",
                "E9", // Latin-1
            })
    void refusesWhatIsNotUtf8(String hex) {
        String[] parts = hex.split(" ");
        byte[] text = new byte[parts.length + 4];
        text[0] = '[';
        text[1] = '"';
        for (int i = 0; i < parts.length; i++) {
            text[2 + i] = (byte) Integer.parseInt(parts[i], 16);
        }
        text[text.length - 2] = '"';
        text[text.length - 1] = ']';
        assertThat(accepts(text)).as(hex).isFalse();
        assertThat(strictlyDecodes(text)).isFalse();
    }

    @Test
    void nestingIsTakenUpToTheLimitAndNotBeyond() {
        assertThat(accepts(nested(JsonScanner.MAX_DEPTH))).isTrue();
        assertThatThrownBy(() -> scan(nested(JsonScanner.MAX_DEPTH + 1)))
                .isInstanceOf(MalformedBodyException.class)
                .hasMessageContaining("513th level of nesting, 512 are taken");
        assertThat(accepts("[".repeat(100_000).getBytes(StandardCharsets.UTF_8))).isFalse();
        assertThat(accepts("[{\"\":".repeat(50_000).getBytes(StandardCharsets.UTF_8))).isFalse();
    }

    private static byte[] nested(int depth) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < depth; i++) {
            text.append(i % 2 == 0 ? "[" : "{\"a\":");
        }
        text.append("1");
        for (int i = depth - 1; i >= 0; i--) {
            text.append(i % 2 == 0 ? "]" : "}");
        }
        return bytes(text.toString());
    }

    @Test
    void agreesWithJacksonOnRandomDocumentsAndOnWhatMutationMakesOfThem() {
        Random random = new Random(20010101);
        int valid = 0;
        int malformed = 0;
        for (int round = 0; round < 60_000; round++) {
            byte[] text = bytes(new RandomJson(random).value(0));
            if (round % 4 != 0) {
                mutate(text, random);
                if (SURROGATE.matcher(new String(text, StandardCharsets.ISO_8859_1)).find()) {
                    // half a pair is right by RFC 8259's grammar; Jackson refuses some of them
                    continue;
                }
            }
            boolean expected = oracle(text);
            assertThat(accepts(text))
                    .as(() -> new String(text, StandardCharsets.ISO_8859_1))
                    .isEqualTo(expected);
            if (expected) {
                valid++;
            } else {
                malformed++;
            }
        }
        // both answers were really tried
        assertThat(valid).isGreaterThan(15_000);
        assertThat(malformed).isGreaterThan(15_000);
    }

    private static void mutate(byte[] text, Random random) {
        byte[] likely = bytes("{}[]\",:\\0123e-+.tfn \n\t/u");
        for (int n = random.nextInt(3); n >= 0 && text.length > 0; n--) {
            int at = random.nextInt(text.length);
            text[at] =
                    random.nextInt(4) == 0
                            ? (byte) random.nextInt(256)
                            : likely[random.nextInt(likely.length)];
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static boolean accepts(byte[] text) {
        try {
            scan(text);
            return true;
        } catch (MalformedBodyException e) {
            assertThat(e.position()).isBetween(0, text.length);
            return false;
        }
    }

    private static void scan(byte[] text) {
        JsonScanner scanner = new JsonScanner(text);
        int end = scanner.skipSpace(scanner.value(scanner.skipSpace(0), 0));
        if (end != text.length) {
            throw scanner.wrong(end, "behind the value");
        }
    }

    private static boolean strictlyDecodes(byte[] text) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    /** The JDK judges the encoding (Jackson takes overlong forms), Jackson the syntax. */
    private static boolean oracle(byte[] text) {
        if (!strictlyDecodes(text)) {
            return false;
        }
        try (JsonParser parser = JACKSON.createParser(new String(text, StandardCharsets.UTF_8))) {
            if (parser.nextToken() == null) {
                return false;
            }
            parser.skipChildren();
            // strings are checked when they are read to their end
            return parser.nextToken() == null;
        } catch (JsonProcessingException e) {
            return false;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
