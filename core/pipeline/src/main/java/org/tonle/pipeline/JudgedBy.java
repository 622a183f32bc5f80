package org.tonle.pipeline;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Lease;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.Dataset;
import org.tonle.sql.Expectation;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;

/**
 * Which expectations all rows of a streaming table were judged by, as a property of the table: one
 * that was changed or added since may be broken by rows that are there.
 */
public final class JudgedBy {
    static final String PROPERTY = "tonle.judged-by";

    private static final Duration LIMIT = Duration.ofHours(1);

    private JudgedBy() {}

    /** The property's value: a line for each expectation that keeps rows out. */
    static String of(List<Expectation> expectations) {
        return expectations.stream()
                .filter(JudgedBy::keepsOut)
                .map(JudgedBy::line)
                .collect(Collectors.joining("\n"));
    }

    private static boolean keepsOut(Expectation expectation) {
        return switch (expectation.violation()) {
            case DROP_ROW, FAIL_UPDATE -> true;
            case COUNT -> false;
        };
    }

    private static String line(Expectation expectation) {
        return expectation.name() + ": " + expectation.condition().replaceAll("\\s+", " ");
    }

    static void set(StagedTable table, List<Expectation> expectations) {
        String value = of(expectations);
        if (!value.equals(table.table().properties().get(PROPERTY))) {
            table.transaction().updateProperties().set(PROPERTY, value).commit();
        }
    }

    /** Those that not all rows of a table were judged by; of a table that doesn't say it, none. */
    static List<Expectation> missing(List<Expectation> expectations, PinnedTable table) {
        @Nullable String value = table.properties().get(PROPERTY);
        if (value == null) {
            return List.of();
        }
        Set<String> known = new HashSet<>(Arrays.asList(value.split("\n", -1)));
        return expectations.stream()
                .filter(JudgedBy::keepsOut)
                .filter(expectation -> !known.contains(line(expectation)))
                .toList();
    }

    /**
     * Writes down which expectations the rows that are there hold to: those that they were judged
     * by and that are still declared, and others if no row breaks them, as when they were loosened.
     */
    static void settle(Dataset.StreamingTable dataset, RunEnvironment lake, Pin pin, Lease lease) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        PinnedTable table = tables.pinned(dataset.name()).orElseThrow();
        List<Expectation> missing = missing(dataset.expectations(), table);
        List<Expectation> held =
                missing.isEmpty() || isHeldTo(missing, dataset, tables, lake)
                        ? dataset.expectations()
                        : dataset.expectations().stream()
                                .filter(expectation -> !missing.contains(expectation))
                                .toList();
        if (of(held).equals(table.properties().getOrDefault(PROPERTY, of(held)))) {
            return;
        }
        try (StagedCommit commit = lake.catalog().stage()) {
            set(commit.table(table.ref(), StagedTable.OnConflict.FAIL), held);
            var unused =
                    commit.publish(
                            CommitRequest.builder(commit.id(), "define", "tonle")
                                    .fencedBy(lease)
                                    .summary("dataset", dataset.name().toString()));
        }
    }

    private static boolean isHeldTo(
            List<Expectation> expectations,
            Dataset.StreamingTable dataset,
            PinnedTables tables,
            RunEnvironment lake) {
        String broken =
                expectations.stream()
                        .map(expectation -> "(" + expectation.condition() + "\n) IS NOT TRUE")
                        .collect(Collectors.joining(" OR "));
        try {
            BoundQuery query =
                    Sql.query(
                            "SELECT 1 AS one FROM \"%s\".\"%s\" WHERE %s LIMIT 1"
                                    .formatted(
                                            dataset.name().namespace(),
                                            dataset.name().name().replace("\"", "\"\""),
                                            broken),
                            tables);
            long rows = 0;
            try (QueryResult result =
                    lake.engine().run(query, tables.inputs(query), new QueryLimits(LIMIT))) {
                while (result.next()) {
                    rows += result.batch().getRowCount();
                }
            }
            return rows == 0;
        } catch (LakeException e) {
            // a row that can't be judged so doesn't hold to it
            return false;
        }
    }

    /** What a person should know and do, if rows of the table may break an expectation. */
    public static Optional<String> hint(Dataset dataset, PinnedTable table) {
        if (!(dataset instanceof Dataset.StreamingTable streaming)) {
            return Optional.empty();
        }
        List<Expectation> missing = missing(streaming.expectations(), table);
        return missing.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        "It holds rows that were judged before %s %s what it is now; to judge them again, run: tonle refresh %s"
                                .formatted(
                                        missing.stream()
                                                .map(Expectation::name)
                                                .collect(Collectors.joining(", ")),
                                        missing.size() == 1 ? "was" : "were",
                                        dataset.name()));
    }
}
