package org.tonle.definition;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What is known of fields, by whomever and in whatever order it was found out. */
class SeenFieldsTest {
    private static final List<String> VALUES =
            List.of(
                    "1",
                    "-12",
                    "2147483648",
                    "-9223372036854775808",
                    "99999999999999999999",
                    "1.5",
                    "1.25",
                    "12345678901234567.5",
                    "0.001",
                    "1e5",
                    "1e400",
                    "true",
                    "x",
                    "2001-01-05",
                    "2001-01-05 10:00",
                    "2001-01-05T10:00:00Z",
                    "",
                    "007");

    private static Map<String, String> seen(Map<String, String> known, List<String> values) {
        SeenFields fields = SeenFields.of(known);
        ValueKinds kinds = fields.kinds("f");
        ValueKinds added = kinds == null ? fields.add("f") : kinds;
        values.forEach(added::text);
        Map<String, String> after = new HashMap<>(known);
        after.putAll(fields.missingIn(known));
        return after;
    }

    private static Map<String, String> both(Map<String, String> one, Map<String, String> other) {
        Map<String, String> both = new HashMap<>(one);
        both.putAll(other);
        return both;
    }

    private static ColumnType type(Map<String, String> properties) {
        return SeenFields.of(properties).fields().getFirst().kinds().type();
    }

    @Test
    void whatSeveralFoundOutIsTheSameInAnyOrderAndHoweverOften() {
        for (int seed = 0; seed < 2_000; seed++) {
            Random random = new Random(seed);
            List<String> values = new ArrayList<>();
            for (int i = random.nextInt(6); i >= 0; i--) {
                values.add(VALUES.get(random.nextInt(VALUES.size())));
            }
            Map<String, String> one = seen(Map.of(), values);
            int cut = random.nextInt(values.size() + 1);
            Map<String, String> left = seen(Map.of(), values.subList(0, cut));
            Map<String, String> right = seen(Map.of(), values.subList(cut, values.size()));
            Collections.shuffle(values, random);
            Map<String, String> byAndBy = Map.of();
            for (String value : values) {
                byAndBy = seen(byAndBy, List.of(value));
            }
            assertThat(type(both(left, right)))
                    .as("seed %d, %s", seed, values)
                    .isEqualTo(type(both(right, left)))
                    .isEqualTo(type(one))
                    .isEqualTo(type(byAndBy))
                    .isEqualTo(type(both(one, right)));
            assertThat(seen(one, values)).as("nothing is new").isEqualTo(one);
        }
    }

    @Test
    void propertiesOfOthersAndFactsThatAreNotKnownBreakNothing() {
        Map<String, String> properties =
                Map.of(
                        "tonle.key", "event_id",
                        "write.format", "parquet",
                        "tonle.seen.int:a:b", "2",
                        "tonle.seen.hologram:c", "1",
                        "tonle.seen.digits-many:c", "x",
                        "tonle.seen.int:", "3",
                        "tonle.seen.int", "3");
        assertThat(SeenFields.of(properties).fields())
                .extracting(field -> field.name() + " " + field.kinds().type())
                .containsExactly("c string", "a:b int", " int");
    }

    @Test
    void aDeclaredColumnCountsWhateverWasSeen() {
        BronzeDefinition table =
                new BronzeDefinition(
                        "t",
                        java.util.Optional.empty(),
                        List.of(
                                new ColumnDefinition(
                                        "A",
                                        ColumnType.Simple.DOUBLE,
                                        JsonPath.field("a"),
                                        false,
                                        Place.startOf("sources/t.yaml"))),
                        java.util.Optional.empty());
        SeenFields seen = SeenFields.of(Map.of());
        for (String name : List.of("a", "b", "B", "payload", "_key")) {
            seen.add(name).text("1");
        }
        Map<String, String> properties = seen.missingIn(Map.of());
        assertThat(table.columns(properties))
                .extracting(column -> column.name() + " " + column.type() + " " + column.path())
                .containsExactly("A double $.a", "b int $.b");
        assertThat(new TreeSet<>(table.fields(properties))).containsExactly("a", "b");
    }
}
