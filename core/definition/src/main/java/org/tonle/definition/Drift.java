package org.tonle.definition;

import java.util.List;
import java.util.Set;

/**
 * What a table of bronze does with fields that it has no column for.
 *
 * @param under where in an event the fields are; empty: at its top
 * @param known names of fields there that are none, besides those that columns are read from
 */
public record Drift(DriftPolicy policy, List<JsonPath.Step> under, Set<String> known) {
    public static final Drift IGNORED = new Drift(DriftPolicy.IGNORE, List.of(), Set.of());

    public Drift {
        under = List.copyOf(under);
        known = Set.copyOf(known);
    }
}
