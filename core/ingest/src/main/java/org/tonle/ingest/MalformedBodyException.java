package org.tonle.ingest;

import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** A body that isn't what its content type says; nothing of it was taken. */
public final class MalformedBodyException extends LakeException {
    private static final long serialVersionUID = 1L;

    private final int event;
    private final int position;
    private final String problem;

    MalformedBodyException(int event, int position, String problem) {
        super(
                ErrorCode.INVALID_REQUEST,
                "Event %d is not JSON: byte %d of the body is %s. Nothing of this request was taken; mend the body and send it again."
                        .formatted(event, position, problem));
        this.event = event;
        this.position = position;
        this.problem = problem;
    }

    /** What is wrong, without saying of what. */
    String problem() {
        return "not JSON: byte %d is %s".formatted(position, problem);
    }

    /** Index of the event in the body, from 0. */
    public int event() {
        return event;
    }

    /** Of the first byte that is wrong, from 0. */
    public int position() {
        return position;
    }
}
