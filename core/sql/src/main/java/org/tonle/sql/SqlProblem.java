package org.tonle.sql;

import org.jspecify.annotations.Nullable;
import org.tonle.definition.Place;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** An error at a place of a statement. */
final class SqlProblem extends LakeException {
    private static final long serialVersionUID = 1L;

    // not part of the serial form: nothing sends exceptions between JVMs
    private final transient Place place;
    private final String problem;

    /** {@code file} is empty for a statement that came through a door. */
    SqlProblem(
            ErrorCode code,
            String file,
            int line,
            int column,
            String problem,
            @Nullable Throwable cause) {
        super(
                code,
                (file.isEmpty()
                                ? "line " + line + ", column " + column
                                : file + ":" + line + ":" + column)
                        + ": "
                        + problem,
                cause);
        this.place = new Place(file, line, column);
        this.problem = problem;
    }

    Place place() {
        return place;
    }

    /** The message without the place. */
    String problem() {
        return problem;
    }
}
