package org.tonle.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.tonle.catalog.Pin;
import org.tonle.lake.Lake;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Policies;
import org.tonle.sql.Sql;

/**
 * What it takes from a text to a statement that is bound, with policy in it and checked; nothing of
 * an earlier time is used again but what the lake itself keeps.
 */
final class FrontEnd {
    private static final int WARM = 60;
    private static final int ROUNDS = 40;

    private final Lake lake;
    private final List<String> queries;

    FrontEnd(Lake lake, List<String> queries) {
        this.lake = lake;
        this.queries = queries;
    }

    /** Adds the figures: times in milliseconds, over all statements and rounds. */
    void measure(ObjectNode figures) {
        Policies policies =
                Policies.of(lake.definition().policy(), Pipelines.of(lake.definition()));
        measure(figures, "front_end_admin", AccessPolicy.ALL);
        measure(figures, "front_end", policies.of(policies.user(Tpch.ANALYST, Set.of("analyst"))));
    }

    private void measure(ObjectNode figures, String name, AccessPolicy policy) {
        System.err.println(name);
        Pin pin = lake.catalog().pin();
        long[] nanos = new long[ROUNDS * queries.size()];
        List<BoundQuery> bound = new ArrayList<>();
        for (int round = -WARM; round < ROUNDS; round++) {
            bound.clear();
            for (int q = 0; q < queries.size(); q++) {
                long from = System.nanoTime();
                bound.add(
                        Sql.query(
                                queries.get(q),
                                List.of(),
                                new PinnedTables(pin, List.of(), Optional.of(Tpch.NAMESPACE)),
                                policy));
                if (round >= 0) {
                    nanos[round * queries.size() + q] = System.nanoTime() - from;
                }
            }
        }
        if (bound.stream().anyMatch(BoundQuery::isGuarded) == (policy == AccessPolicy.ALL)) {
            throw new IllegalStateException("policy isn't in the statements");
        }
        Arrays.sort(nanos);
        figures.put(name + "_p50_ms", IngestBench.round(nanos[nanos.length / 2] / 1e6));
        figures.put(name + "_p95_ms", IngestBench.round(nanos[nanos.length * 95 / 100] / 1e6));
    }
}
