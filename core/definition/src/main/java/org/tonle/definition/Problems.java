package org.tonle.definition;

import java.util.ArrayList;
import java.util.List;

/** Collects problems while reading goes on, so that all are reported at once. */
final class Problems {
    private final List<Problem> found = new ArrayList<>();

    int count() {
        return found.size();
    }

    void add(Problem problem) {
        found.add(problem);
    }

    void add(Place place, String value, String message) {
        found.add(new Problem(place, value, message));
    }

    void throwIfAny() {
        if (!found.isEmpty()) {
            throw new DefinitionException(found);
        }
    }
}
