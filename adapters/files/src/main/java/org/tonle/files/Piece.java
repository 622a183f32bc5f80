package org.tonle.files;

import java.util.Optional;

/**
 * Some of what a file holds, in the order of the file.
 *
 * @param part of an archive, the file inside of it; empty elsewhere
 * @param bytes events of JSON, one a line, each line ended; or, with a problem, what couldn't be
 *     read
 */
@SuppressWarnings("ArrayRecordComponent") // up to megabytes, never copied, never compared
record Piece(String part, byte[] bytes, Optional<String> problem) {
    static Piece events(byte[] bytes) {
        return new Piece("", bytes, Optional.empty());
    }

    static Piece unreadable(byte[] bytes, String problem) {
        return new Piece("", bytes, Optional.of(problem));
    }

    Piece in(String part) {
        return new Piece(part, bytes, problem);
    }
}
