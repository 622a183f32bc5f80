package org.tonle.server;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.tonle.query.ReadPoint;
import org.tonle.query.RowFormat;
import org.tonle.spi.ErrorCode;

/** What the headers of a query ask for. */
final class QueryHeaders {
    static final String SEQ = "tonle-seq";
    static final String QUERY_ID = "tonle-query-id";
    private static final String MIN_SEQ = "tonle-min-seq";
    private static final String AS_OF_SEQ = "tonle-as-of-seq";

    /** A strong tag; a weak one would say that other bytes will do, too. */
    private static final Pattern TAG = Pattern.compile("(?:W/)?\"([^\"]*)\"");

    private QueryHeaders() {}

    /** Refuses what can be told before the body is read. */
    static void check(RequestHeaders headers) {
        ReadPoint unused = readPoint(headers);
        if (headers.contentLength() > QueryDoor.MOST_BYTES) {
            throw new DoorException(
                    ErrorCode.TOO_LARGE,
                    "the statement has "
                            + headers.contentLength()
                            + " bytes, and may have "
                            + QueryDoor.MOST_BYTES,
                    null,
                    "send a shorter one; long lists of values belong into a table");
        }
    }

    /** Which state is to be read. */
    static ReadPoint readPoint(RequestHeaders headers) {
        String least = headers.get(MIN_SEQ);
        String exact = headers.get(AS_OF_SEQ);
        if (least != null && exact != null) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    "Tonle-Min-Seq and Tonle-As-Of-Seq ask for two states",
                    null,
                    "send one of them");
        }
        if (least != null) {
            return new ReadPoint.AtLeast(seq("Tonle-Min-Seq", least));
        }
        return exact == null ? ReadPoint.NEWEST : new ReadPoint.AsOf(seq("Tonle-As-Of-Seq", exact));
    }

    private static long seq(String header, String value) {
        String digits = value.strip();
        if (!digits.matches("[0-9]{1,18}")) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    header + " isn't the number of a commit",
                    value,
                    "send a number that an answer's Tonle-Seq gave");
        }
        return Long.parseLong(digits);
    }

    /** The answers that the client holds. */
    static Set<String> known(RequestHeaders headers) {
        @Nullable String tags = headers.get(HttpHeaderNames.IF_NONE_MATCH);
        if (tags == null) {
            return Set.of();
        }
        Set<String> known = new HashSet<>();
        for (Matcher tag = TAG.matcher(tags); tag.find(); ) {
            known.add(tag.group(1));
        }
        return known;
    }

    /** The first form of Accept that there is. */
    static RowFormat format(RequestHeaders headers) {
        String accept = headers.get(HttpHeaderNames.ACCEPT, "*/*");
        for (String part : accept.split(",", -1)) {
            String range = part.replaceFirst(";.*", "").strip().toLowerCase(Locale.ROOT);
            switch (range) {
                case "*/*", "application/*", "application/json" -> {
                    return RowFormat.JSON;
                }
                case "application/x-ndjson", "application/ndjson" -> {
                    return RowFormat.NDJSON;
                }
                case "text/csv", "text/*" -> {
                    return RowFormat.CSV;
                }
                default -> {}
            }
        }
        throw new DoorException(
                HttpStatus.NOT_ACCEPTABLE,
                ErrorCode.INVALID_REQUEST,
                "rows can't be sent as this",
                accept,
                "accept application/json, application/x-ndjson or text/csv");
    }
}
