package org.tonle.debezium;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IsoTimeTest {
    private static String date(long days) {
        JsonBytes out = new JsonBytes();
        IsoTime.date(days, out);
        return new String(out.take(), StandardCharsets.UTF_8);
    }

    private static String timestamp(long micros) {
        JsonBytes out = new JsonBytes();
        IsoTime.timestamp(micros, "Z", out);
        return new String(out.take(), StandardCharsets.UTF_8);
    }

    @Test
    void everyDayIsTheOneThatJavaSays() {
        LocalDate first = LocalDate.of(-1, 1, 1);
        for (LocalDate day = first; day.getYear() < 2500; day = day.plusDays(1)) {
            assertThat(date(day.toEpochDay())).isEqualTo('"' + day.toString() + '"');
        }
        Random random = new Random(1);
        for (int i = 0; i < 10_000; i++) {
            LocalDate day = LocalDate.ofEpochDay(random.nextInt(2_000_000_000) - 1_700_000L);
            assertThat(date(day.toEpochDay())).isEqualTo('"' + day.toString() + '"');
        }
    }

    @Test
    void aTimeBefore1970IsCountedFromMidnight() {
        assertThat(timestamp(-1)).isEqualTo("\"1969-12-31T23:59:59.999999Z\"");
        assertThat(timestamp(0)).isEqualTo("\"1970-01-01T00:00:00Z\"");
        assertThat(timestamp(1_000_500_000)).isEqualTo("\"1970-01-01T00:16:40.500000Z\"");
    }
}
