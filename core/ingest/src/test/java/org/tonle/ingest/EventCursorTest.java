package org.tonle.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tonle.ingest.EventCursor.Type;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

class EventCursorTest {
    @Test
    void anObjectIsOneEvent() {
        assertThat(events(" {\"a\":[1,2]}\n", BodyFormat.JSON)).containsExactly("{\"a\":[1,2]}");
    }

    @Test
    void theElementsOfAnArrayAreAnEventEach() {
        assertThat(events("[ {\"a\":1} ,\n2,\"x\",[3,[]], null ]", BodyFormat.JSON))
                .containsExactly("{\"a\":1}", "2", "\"x\"", "[3,[]]", "null");
    }

    @Test
    void linesAreAnEventEachAndEmptyOnesAreNone() {
        assertThat(events("{\"a\":1}\n\r\n{\"a\":2}\r\n  [1,2]\n\"x\"", BodyFormat.NDJSON))
                .containsExactly("{\"a\":1}", "{\"a\":2}", "[1,2]", "\"x\"");
    }

    @Test
    void aBodyThatDoesNotSayWhatItIsMayBeAnyOfThem() {
        assertThat(events("{\"a\":1}", BodyFormat.UNSAID)).hasSize(1);
        assertThat(events("{\"a\":1}\n{\"a\":2}", BodyFormat.UNSAID)).hasSize(2);
        assertThat(events("[{\"a\":1},{\"a\":2},3]", BodyFormat.UNSAID)).hasSize(3);
    }

    @Test
    void aBodyWithoutAnEventHasNone() {
        assertThat(EventCursor.count(bytes(""), BodyFormat.JSON)).isZero();
        assertThat(EventCursor.count(bytes(" [ ] "), BodyFormat.JSON)).isZero();
        assertThat(EventCursor.count(bytes("\n\n"), BodyFormat.NDJSON)).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "JSON   | {\"a\":1} {\"a\":2}        | 1 | 8",
                "JSON   | [1,2] 3                    | 2 | 6",
                "JSON   | [1,2                       | 2 | 4",
                "JSON   | [1,]                       | 1 | 3",
                "JSON   | [{\"a\":1},{\"a\":}]       | 1 | 14",
                "JSON   | {\"a\":1                   | 0 | 6",
                "NDJSON | {\"a\":1}{\"a\":2}         | 1 | 7",
                "NDJSON | {\"a\":1} {\"a\":2}        | 1 | 8",
                "NDJSON | [1,2,]                     | 0 | 5",
                "UNSAID | [1,2] [3]                  | 2 | 6",
                "UNSAID | 1 2                        | 1 | 2",
            })
    void aSyntaxErrorIsRefusedWithItsEventAndByte(
            BodyFormat format, String body, int event, int position) {
        assertThatThrownBy(() -> events(body, format))
                .isInstanceOfSatisfying(
                        MalformedBodyException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
                            assertThat(e.event()).isEqualTo(event);
                            assertThat(e.position()).isEqualTo(position);
                        })
                .hasMessageContaining("Event " + event)
                .hasMessageContaining("byte " + position);
    }

    @Test
    void anErrorInTheLastLineIsFoundThere() {
        String good = "{\"a\":1}\n";
        assertThatThrownBy(() -> events(good.repeat(999) + "{\"a\":01}\n", BodyFormat.NDJSON))
                .hasMessageContaining("Event 999 is not JSON: byte 7998 of the body is '1'");
    }

    @Test
    void fieldsAreFoundWhereverTheyStandAtTheTop() {
        EventCursor cursor =
                cursor(
                        "{\"x\":{\"id\":\"no\"},\"t\": 17 ,\"id\":\"yes\",\"id\":\"late\"}\n{}\n[1]\n{\"id\":7}");
        assertThat(cursor.next()).isTrue();
        assertThat(cursor.field(0).type()).isEqualTo(Type.STRING);
        assertThat(cursor.text(cursor.field(0))).isEqualTo("yes");
        assertThat(cursor.field(1).type()).isEqualTo(Type.NUMBER);
        assertThat(cursor.text(cursor.field(1))).isEqualTo("17");
        assertThat(cursor.next()).isTrue();
        assertThat(cursor.field(0).type()).isEqualTo(Type.ABSENT);
        assertThat(cursor.next()).isTrue();
        assertThat(cursor.field(0).type()).isEqualTo(Type.ABSENT);
        assertThat(cursor.next()).isTrue();
        assertThat(cursor.field(0).type()).isEqualTo(Type.NUMBER);
        assertThat(cursor.index()).isEqualTo(3);
        assertThat(cursor.next()).isFalse();
        assertThat(cursor.next()).isFalse();
    }

    @Test
    void escapesInNamesAndValuesAreDecoded() {
        EventCursor cursor =
                cursor("{\"\\u0069d\":\"a\\\"\\u00e9\\ud83d\\ude00\\/\\n\",\"t\":\"é\"}");
        assertThat(cursor.next()).isTrue();
        assertThat(cursor.field(0).escaped()).isTrue();
        assertThat(cursor.text(cursor.field(0))).isEqualTo("a\"é😀/\n");
        assertThat(cursor.field(1).escaped()).isFalse();
        assertThat(cursor.text(cursor.field(1))).isEqualTo("é");
    }

    @Test
    void aFieldThatIsNoTextOrNumberSaysSo() {
        for (String value : List.of("null", "true", "{\"id\":1}", "[\"x\"]")) {
            EventCursor cursor = cursor("{\"id\":" + value + "}");
            assertThat(cursor.next()).isTrue();
            assertThat(cursor.field(0).type()).isEqualTo(Type.OTHER);
        }
    }

    @Test
    void withAndWithoutFieldsTheSameBodiesAreTakenAtTheSamePlaces() {
        Random random = new Random(7);
        for (int round = 0; round < 5_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(5); n >= 0; n--) {
                text.append(new RandomJson(random).object(0)).append('\n');
            }
            byte[] body = bytes(text.toString());
            if (round % 2 == 1) {
                body[random.nextInt(body.length)] =
                        (byte) "{}[]\",:1 \\".charAt(random.nextInt(10));
            }
            assertThat(outcome(new EventCursor(body, BodyFormat.NDJSON, "id", "t")))
                    .as(text.toString())
                    .isEqualTo(outcome(new EventCursor(body, BodyFormat.NDJSON)));
        }
    }

    private static String outcome(EventCursor cursor) {
        StringBuilder spans = new StringBuilder();
        try {
            while (cursor.next()) {
                spans.append(cursor.start()).append('-').append(cursor.end()).append(' ');
            }
            return spans.toString();
        } catch (MalformedBodyException e) {
            return spans + "wrong in " + e.event() + " at " + e.position();
        }
    }

    @Test
    void contentTypesSayTheFormatAndOnlyUtf8() {
        assertThat(BodyFormat.of("application/json; charset=\"UTF-8\"")).isEqualTo(BodyFormat.JSON);
        assertThat(BodyFormat.of("application/cloudevents+json")).isEqualTo(BodyFormat.JSON);
        assertThat(BodyFormat.of("Application/X-NDJSON")).isEqualTo(BodyFormat.NDJSON);
        assertThat(BodyFormat.of("")).isEqualTo(BodyFormat.UNSAID);
        assertThat(BodyFormat.of("application/x-www-form-urlencoded")).isEqualTo(BodyFormat.UNSAID);
        assertThatThrownBy(() -> BodyFormat.of("application/json;charset=utf-16"))
                .isInstanceOf(LakeException.class)
                .hasMessageContaining("charset=utf-16");
    }

    private static EventCursor cursor(String body) {
        return new EventCursor(bytes(body), BodyFormat.NDJSON, "id", "t");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> events(String body, BodyFormat format) {
        byte[] bytes = bytes(body);
        EventCursor cursor = new EventCursor(bytes, format);
        List<String> events = new ArrayList<>();
        while (cursor.next()) {
            events.add(
                    new String(
                            bytes,
                            cursor.start(),
                            cursor.end() - cursor.start(),
                            StandardCharsets.UTF_8));
        }
        return events;
    }
}
