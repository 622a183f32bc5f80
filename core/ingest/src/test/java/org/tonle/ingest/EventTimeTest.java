package org.tonle.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EventTimeTest {
    @ParameterizedTest
    @CsvSource({
        "2001-01-01, 2001-01-01T00:00:00Z",
        "2001-01-01T10:20, 2001-01-01T10:20:00Z",
        "2001-01-01 10:20:30, 2001-01-01T10:20:30Z",
        "2001-01-01T10:20:30.5, 2001-01-01T10:20:30.500Z",
        "2001-01-01T10:20:30.123456789Z, 2001-01-01T10:20:30.123456Z",
        "2001-01-01T10:20:30z, 2001-01-01T10:20:30Z",
        "2001-01-01T10:20:30+02:00, 2001-01-01T08:20:30Z",
        "2001-01-01T10:20:30-0530, 2001-01-01T15:50:30Z",
        "2001-01-01T10:20+07, 2001-01-01T03:20:00Z",
        "1969-12-31T23:59:59.999999, 1969-12-31T23:59:59.999999Z",
        "0001-01-01, 0001-01-01T00:00:00Z",
        "2000-02-29, 2000-02-29T00:00:00Z",
    })
    void readsIso8601(String text, String instant) {
        assertThat(ofText(text)).isEqualTo(RequestKeys.micros(Instant.parse(instant)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "soon",
                "2001",
                "2001-1-1",
                "2001-13-01",
                "2001-02-29",
                "2001-01-01T",
                "2001-01-01T24:00",
                "2001-01-01T10:60",
                "2001-01-01T10:20:60",
                "2001-01-01T10:20:30.",
                "2001-01-01T10:20:30.1234567890",
                "2001-01-01T10:20:30X",
                "2001-01-01T10:20:30Zulu",
                "2001-01-01T10:20:30+19:00",
                "2001-01-01T10:20:30+02:0",
                "2001-01-01T10:20:30+02:00 ",
                " 2001-01-01",
                "20010101",
            })
    void takesNothingElse(String text) {
        assertThat(ofText(text)).isEqualTo(EventTime.NONE);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 1970-01-01T00:00:00Z",
        "978307200123, 2001-01-01T00:00:00.123Z",
        "-1, 1969-12-31T23:59:59.999Z",
        "253402300799999, 9999-12-31T23:59:59.999Z",
    })
    void readsMilliseconds(String text, String instant) {
        assertThat(ofNumber(text)).isEqualTo(RequestKeys.micros(Instant.parse(instant)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.5", "1e12", "253402300800000", "99999999999999999999", "-"})
    void takesNoOtherNumber(String text) {
        assertThat(ofNumber(text)).isEqualTo(EventTime.NONE);
    }

    @Test
    void agreesWithTheJdk() {
        Random random = new Random(1);
        for (int i = 0; i < 10_000; i++) {
            Instant instant =
                    Instant.ofEpochSecond(
                            random.nextLong(-62_000_000_000L, 250_000_000_000L),
                            random.nextInt(1_000_000) * 1_000L);
            ZoneOffset offset = ZoneOffset.ofTotalSeconds(60 * random.nextInt(-18 * 60, 18 * 60));
            OffsetDateTime local = instant.atOffset(offset);
            if (local.getYear() < 0 || local.getYear() > 9999) {
                continue;
            }
            assertThat(ofText(DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(local)))
                    .as(local.toString())
                    .isEqualTo(RequestKeys.micros(instant));
        }
    }

    private static long ofText(String text) {
        byte[] bytes = ("x" + text + "9").getBytes(StandardCharsets.UTF_8);
        return EventTime.ofText(bytes, 1, bytes.length - 1);
    }

    private static long ofNumber(String text) {
        byte[] bytes = ("1" + text + "9").getBytes(StandardCharsets.UTF_8);
        return EventTime.ofNumber(bytes, 1, bytes.length - 1);
    }
}
