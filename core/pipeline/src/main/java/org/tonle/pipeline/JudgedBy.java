package org.tonle.pipeline;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedTable;
import org.tonle.sql.Dataset;
import org.tonle.sql.Expectation;

/**
 * Which expectations all rows of a streaming table were judged by, as a property of the table: one
 * that was changed or added since may be broken by rows that are there.
 */
public final class JudgedBy {
    static final String PROPERTY = "tonle.judged-by";

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
