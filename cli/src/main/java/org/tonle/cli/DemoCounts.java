package org.tonle.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the lake says it holds.
 *
 * @param seq commits so far
 * @param placed quarantined rows that have a reason and a position
 * @param ids distinct ids in silver
 */
record DemoCounts(
        long bronze,
        long silver,
        long quarantined,
        long placed,
        long implausible,
        long ids,
        long delays,
        long distances,
        long airportDays,
        long routes,
        long seq) {
    static DemoCounts ask(LakeClient client, String url) throws IOException {
        LakeClient.Rows bronze = client.query(url, "SELECT COUNT(*) AS n FROM bronze.flights");
        Map<String, Object> silver =
                client.query(
                                url,
                                """
                                SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids, SUM(CAST(delay AS BIGINT)) AS delays,
                                  SUM(CAST(distance AS BIGINT)) AS distances FROM silver.flights\
                                """)
                        .rows()
                        .getFirst();
        Map<String, Object> quarantine =
                client.query(
                                url,
                                """
                                SELECT COUNT(*) AS n,
                                  COUNT(*) FILTER (WHERE "position" IS NOT NULL AND reason IN
                                    ('malformed', 'expectation')) AS placed,
                                  COUNT(*) FILTER (WHERE reason = 'expectation'
                                    AND "rule" = 'plausible_delay') AS implausible
                                FROM quarantine.silver_flights\
                                """)
                        .rows()
                        .getFirst();
        long airportDays =
                client.query(url, "SELECT SUM(flights) AS n FROM gold.airport_day").number();
        LakeClient.Rows routes = client.query(url, "SELECT SUM(flights) AS n FROM gold.route");
        return new DemoCounts(
                bronze.number(),
                number(silver, "n"),
                number(quarantine, "n"),
                number(quarantine, "placed"),
                number(quarantine, "implausible"),
                number(silver, "ids"),
                number(silver, "delays"),
                number(silver, "distances"),
                airportDays,
                routes.number(),
                routes.seq());
    }

    private static long number(Map<String, Object> row, String column) {
        return row.get(column) instanceof Number n ? n.longValue() : 0;
    }

    long duplicates() {
        return bronze - silver - quarantined;
    }

    /** Every promise that doesn't hold, as a sentence; none if all do. */
    List<String> broken(DemoPlan plan, DemoFlights.Expected expected) {
        Map<String, long[]> promises = new LinkedHashMap<>();
        promises.put("rows of bronze", new long[] {plan.bronzeRows(), bronze});
        promises.put("rows of silver", new long[] {expected.kept(), silver});
        promises.put("distinct ids in silver", new long[] {expected.kept(), ids});
        promises.put("sum of silver's delays", new long[] {expected.delays(), delays});
        promises.put("sum of silver's distances", new long[] {expected.distances(), distances});
        promises.put(
                "rows in quarantine",
                new long[] {expected.implausible() + DemoPlan.MALFORMED, quarantined});
        promises.put(
                "rows in quarantine for their delay",
                new long[] {expected.implausible(), implausible});
        promises.put("quarantined rows with reason and position", new long[] {quarantined, placed});
        promises.put(
                "duplicates that silver left out", new long[] {plan.duplicates(), duplicates()});
        promises.put("flights in gold.airport_day", new long[] {expected.kept(), airportDays});
        promises.put("flights in gold.route", new long[] {expected.kept(), routes});
        List<String> broken = new ArrayList<>();
        promises.forEach((what, numbers) -> {
            if (numbers[0] != numbers[1]) {
                broken.add("%s: expected %,d, found %,d".formatted(what, numbers[0], numbers[1]));
            }
        });
        return broken;
    }
}
