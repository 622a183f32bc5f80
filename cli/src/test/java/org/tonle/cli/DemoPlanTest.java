package org.tonle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DemoPlanTest {
    private static final Path FILE =
            Path.of(System.getProperty("tonle.root"), "examples/flights/data/flights-3m.parquet");

    @Test
    void ofAllFlightsOnePercentOfTheRequestsIsResent() {
        DemoPlan plan = new DemoPlan(3_000_000);

        assertThat(plan.bodies()).isEqualTo(600);
        assertThat(plan.resent()).isEqualTo(6);
        assertThat(plan.duplicates()).isEqualTo(600);
        assertThat(plan.bronzeRows()).isEqualTo(3_000_900);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 3, 4_999, 5_000, 5_001, 52_345})
    void theBodiesHoldWhatThePlanCounts(long events) throws Exception {
        DemoPlan plan = new DemoPlan(events);
        List<DemoFlights.Body> bodies = bodies(plan);

        Set<String> ids = new HashSet<>();
        Set<String> keys = new HashSet<>();
        long rows = 0;
        long malformed = 0;
        int resent = 0;
        ObjectMapper json = new ObjectMapper();
        for (DemoFlights.Body body : bodies) {
            keys.add(body.key());
            resent += plan.resends(body.number()) ? 1 : 0;
            for (String line : new String(body.ndjson(), StandardCharsets.UTF_8).lines().toList()) {
                JsonNode event = json.readTree(line);
                rows++;
                if (line.contains("bad-")) {
                    malformed++;
                } else {
                    ids.add(event.get("id").asText());
                }
            }
        }
        assertThat(bodies).hasSize(plan.bodies());
        assertThat(keys).hasSize(plan.bodies());
        assertThat(ids).hasSize((int) events);
        assertThat(malformed).isEqualTo(DemoPlan.MALFORMED);
        assertThat(resent).isEqualTo(plan.resent());
        assertThat(rows).isEqualTo(plan.bronzeRows());
        // a second run sends the same again, or nothing would be recognised
        assertThat(bodies(plan).stream().map(DemoFlights.Body::key).toList())
                .isEqualTo(bodies.stream().map(DemoFlights.Body::key).toList());
    }

    private static List<DemoFlights.Body> bodies(DemoPlan plan) throws InterruptedException {
        List<DemoFlights.Body> bodies = new ArrayList<>();
        new DemoFlights(FILE, plan).forEachBody(bodies::add);
        return bodies;
    }

    @Test
    void anEventIsWhatTheFileSays() throws Exception {
        String first =
                new String(bodies(new DemoPlan(1)).getFirst().ndjson(), StandardCharsets.UTF_8)
                        .lines()
                        .findFirst()
                        .orElseThrow();

        assertThat(first)
                .isEqualTo(
                        "{\"id\":\"f0\",\"date\":\"2001-01-01 00:01\",\"delay\":33,\"distance\":2176,"
                                + "\"origin\":\"LAS\",\"destination\":\"PHL\"}");
    }

    @Test
    void exactlyThreeFlightsAreImplausible() {
        DemoFlights.Expected all = new DemoFlights(FILE, new DemoPlan(3_000_000)).expected();

        assertThat(all.kept()).isEqualTo(2_999_997);
        assertThat(all.implausible()).isEqualTo(3);
        assertThat(new DemoFlights(FILE, new DemoPlan(10)).expected().kept()).isEqualTo(10);
    }

    @Test
    void everyCountThatIsOffIsNamed() {
        DemoPlan plan = new DemoPlan(10);
        DemoFlights.Expected expected = new DemoFlights.Expected(9, 1, 50, 60);
        DemoCounts right = new DemoCounts(plan.bronzeRows(), 9, 301, 301, 1, 9, 50, 60, 9, 9, 5);
        DemoCounts doubled = new DemoCounts(plan.bronzeRows(), 10, 301, 301, 1, 9, 50, 60, 9, 9, 5);

        assertThat(right.broken(plan, expected)).isEmpty();
        assertThat(doubled.broken(plan, expected))
                .containsExactly(
                        "rows of silver: expected 9, found 10",
                        "duplicates that silver left out: expected 10, found 9");
    }
}
