package org.tonle.files;

import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Some of what a file holds, in the order of the file.
 *
 * @param part of an archive, the file inside of it; empty elsewhere
 * @param bytes events of JSON, one a line, each line ended; or, with a problem, what couldn't be
 *     read
 * @param cause what kept it from being read, if reading again may do better
 */
@SuppressWarnings("ArrayRecordComponent") // up to megabytes, never copied, never compared
record Piece(String part, byte[] bytes, Optional<String> problem, Optional<IOException> cause) {
    static Piece events(byte[] bytes) {
        return new Piece("", bytes, Optional.empty(), Optional.empty());
    }

    static Piece unreadable(byte[] bytes, String problem) {
        return new Piece("", bytes, Optional.of(problem), Optional.empty());
    }

    Piece because(@Nullable IOException cause) {
        return new Piece(part, bytes, problem, Optional.ofNullable(cause));
    }

    Piece in(String part) {
        return new Piece(part, bytes, problem, cause);
    }
}
