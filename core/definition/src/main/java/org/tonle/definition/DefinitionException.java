package org.tonle.definition;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** A lake folder with problems: all of them, ordered by file, line and column. */
public final class DefinitionException extends LakeException {
    private static final long serialVersionUID = 1L;
    private static final Comparator<Problem> BY_PLACE =
            Comparator.comparing((Problem p) -> p.place().file())
                    .thenComparing(p -> p.place().line())
                    .thenComparing(p -> p.place().column());

    // not part of the serial form: nothing sends exceptions between JVMs
    private final transient List<Problem> problems;

    public DefinitionException(List<Problem> problems) {
        super(ErrorCode.INVALID_DEFINITION, text(problems));
        this.problems = problems.stream().sorted(BY_PLACE).toList();
    }

    /** At least one. */
    public List<Problem> problems() {
        return problems;
    }

    private static String text(List<Problem> problems) {
        if (problems.isEmpty()) {
            throw new IllegalArgumentException("no problem to report");
        }
        return (problems.size() == 1 ? "1 problem" : problems.size() + " problems")
                + " in the lake's definition:\n"
                + problems.stream()
                        .sorted(BY_PLACE)
                        .map(Problem::toString)
                        .collect(Collectors.joining("\n"));
    }
}
