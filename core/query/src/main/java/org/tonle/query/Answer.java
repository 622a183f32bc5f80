package org.tonle.query;

import java.util.Optional;

/**
 * What is known of an answer before its first byte.
 *
 * @param id names the query among all of this lake, for {@link QueryService#cancel}
 * @param seq the commit whose tables it shows
 * @param etag names its bytes: where it is the same, so are rows and form; empty if it depends on
 *     more than what the tables hold
 */
public record Answer(String id, long seq, Optional<String> etag) {
    /** Whoever is to have an answer: called once, by the thread that asks, in one of three ways. */
    public interface Receiver {
        /** It is one that {@link Question#known} names. */
        void unchanged(Answer answer);

        /**
         * Here are all of its bytes.
         *
         * @param body not to be written to
         * @param length how many of them, from the first
         */
        void whole(Answer answer, byte[] body, int length);

        /** Gives what takes the bytes as they come; it is flushed and not closed. */
        java.io.OutputStream stream(Answer answer);
    }
}
