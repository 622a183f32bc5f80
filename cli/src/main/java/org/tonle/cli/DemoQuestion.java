package org.tonle.cli;

import java.util.List;

/** What a person would ask of these flights. */
record DemoQuestion(String question, String sql) {
    /**
     * @param events how many flights there are: averages over a handful say nothing
     */
    static List<DemoQuestion> all(long events) {
        long enough = Math.max(1, events / 1_000);
        return List.of(
                new DemoQuestion(
                        "Which large airports are late most often?",
                        """
                        SELECT origin, SUM(flights) AS flights,
                          ROUND(100 * SUM(share_late * flights) / SUM(flights), 1) AS percent_late
                        FROM gold.airport_day
                        GROUP BY origin HAVING SUM(flights) >= %d
                        ORDER BY percent_late DESC, origin LIMIT 5\
                        """
                                .formatted(enough * 10)),
                new DemoQuestion(
                        "Which routes keep people waiting longest?",
                        """
                        SELECT origin, destination, flights, ROUND(mean_delay, 1) AS mean_delay,
                          worst_delay, distance
                        FROM gold.route WHERE flights >= %d
                        ORDER BY mean_delay DESC, origin, destination LIMIT 5\
                        """
                                .formatted(enough)),
                new DemoQuestion(
                        "Which were the worst days?",
                        """
                        SELECT departure_day, SUM(flights) AS flights,
                          ROUND(SUM(mean_delay * flights) / SUM(flights), 1) AS mean_delay
                        FROM gold.airport_day
                        GROUP BY departure_day
                        ORDER BY mean_delay DESC, departure_day LIMIT 3\
                        """),
                new DemoQuestion(
                        "When should one leave?",
                        """
                        SELECT EXTRACT(HOUR FROM departed) AS hour_of_day, COUNT(*) AS flights,
                          ROUND(AVG(CAST(delay AS DOUBLE)), 1) AS mean_delay
                        FROM silver.flights
                        GROUP BY EXTRACT(HOUR FROM departed) HAVING COUNT(*) >= %d
                        ORDER BY mean_delay LIMIT 3\
                        """
                                .formatted(enough)),
                new DemoQuestion(
                        "What was refused, and why?",
                        """
                        SELECT reason, "rule", COUNT(*) AS events, MIN(message) AS example
                        FROM quarantine.silver_flights
                        GROUP BY reason, "rule" ORDER BY events DESC, reason, "rule\"\
                        """));
    }
}
