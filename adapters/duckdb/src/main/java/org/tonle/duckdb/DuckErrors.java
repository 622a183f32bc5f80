package org.tonle.duckdb;

import java.util.Locale;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** DuckDB's errors as the lake's. */
final class DuckErrors {
    private DuckErrors() {}

    static LakeException of(Throwable error) {
        if (error instanceof LakeException known) {
            return known;
        }
        String message = String.valueOf(error.getMessage());
        String first = message.lines().findFirst().orElse("").strip();
        String kind = first.toLowerCase(Locale.ROOT);
        // Arrow's reader wraps the message, so a kind may stand inside it
        if (kind.contains("conversion error")
                || kind.contains("out of range error")
                || kind.contains("invalid input error")
                || kind.contains("overflow")
                || kind.contains("invalid escape string")
                || kind.contains("must not end with escape")
                || kind.contains("unknown timezone")) {
            return new LakeException(
                    ErrorCode.INVALID_VALUE,
                    "A value made the statement fail: " + withoutAdvice(first),
                    error);
        }
        if (kind.contains("interrupt")) {
            return new LakeException(ErrorCode.CANCELLED, "The statement was cancelled", error);
        }
        if (kind.contains("out of memory")) {
            return new LakeException(
                    ErrorCode.OUT_OF_RESOURCES,
                    "The statement needs more memory or temporary space than it may use: " + first,
                    error);
        }
        if (kind.contains("io error") || kind.contains("no files found")) {
            return new LakeException(ErrorCode.STORAGE, "A file can't be used: " + first, error);
        }
        if (kind.contains("binder error")
                || kind.contains("parser error")
                || kind.contains("catalog error")
                || kind.contains("not implemented error")) {
            return new LakeException(
                    ErrorCode.UNSUPPORTED_SQL,
                    "DuckDB has no way to say this statement: " + first,
                    error);
        }
        return new LakeException(
                ErrorCode.INTERNAL,
                "The engine refused what was printed for it: " + message,
                error);
    }

    /** DuckDB advises functions and settings that Tonle's SQL doesn't have. */
    private static String withoutAdvice(String message) {
        int advice = message.indexOf(" Use TRY");
        return advice < 0 ? message : message.substring(0, advice);
    }
}
