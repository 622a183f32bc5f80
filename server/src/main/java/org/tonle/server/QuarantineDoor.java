package org.tonle.server;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.tonle.lake.LakeQuarantine;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.Principal;

/**
 * {@code /api/v1/quarantine}: shows what was refused, and takes it back; and refreshes datasets.
 */
final class QuarantineDoor {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MOST_BYTES = 1 << 20;
    private static final int MOST_ROWS = 10_000;
    private static final int ROWS = 100;
    private static final String REPLAY =
            "send {\"where\": \"rule = 'amount'\", \"fix\": \"REPLACE(payload, 'N/A', '0')\"}; both"
                    + " may be left out";
    private static final String REFRESH =
            "send {}, {\"downstream\": true} or {\"from\": \"2026-01-31T12:00:00Z\"}";

    private static final String DAY = "2026-01-31";
    private static final Instant FIRST = Instant.EPOCH;
    private static final Instant LAST = Instant.parse("9999-12-31T00:00:00Z");

    private final Backend lake;
    private final Executor threads;

    QuarantineDoor(Backend lake, Executor threads) {
        this.lake = lake;
        this.threads = threads;
    }

    HttpResponse list(ServiceRequestContext ctx) {
        return rows(lake.refusedByRule(TokenCheck.principal(ctx)));
    }

    HttpResponse show(ServiceRequestContext ctx) {
        return rows(
                lake.refused(
                        dataset(ctx),
                        Optional.ofNullable(ctx.queryParam("where")),
                        limit(Optional.ofNullable(ctx.queryParam("limit"))),
                        TokenCheck.principal(ctx)));
    }

    private static int limit(Optional<String> text) {
        try {
            int limit = text.map(Integer::parseInt).orElse(ROWS);
            if (limit >= 1 && limit <= MOST_ROWS) {
                return limit;
            }
        } catch (NumberFormatException e) {
            // refused below, as what is out of range
        }
        throw new DoorException(
                ErrorCode.INVALID_REQUEST,
                "limit is no number from 1 to " + MOST_ROWS,
                text.orElse(null),
                "leave it out for " + ROWS);
    }

    private static HttpResponse rows(String json) {
        return HttpResponse.of(HttpStatus.OK, MediaType.JSON_UTF_8, json);
    }

    HttpResponse replay(ServiceRequestContext ctx, HttpRequest request) {
        String dataset = dataset(ctx);
        Principal by = TokenCheck.principal(ctx);
        return answer(
                ctx,
                request,
                List.of("where", "fix"),
                REPLAY,
                body ->
                        LakeServer.json(
                                put(
                                        JSON.createObjectNode(),
                                        lake.replay(
                                                dataset,
                                                body.text("where"),
                                                body.text("fix"),
                                                by))));
    }

    HttpResponse refresh(ServiceRequestContext ctx, HttpRequest request) {
        String dataset = dataset(ctx);
        Principal by = TokenCheck.principal(ctx);
        return answer(
                ctx,
                request,
                List.of("from", "downstream"),
                REFRESH,
                body ->
                        LakeServer.json(
                                node(
                                        lake.refresh(
                                                dataset,
                                                body.text("from").map(QuarantineDoor::time),
                                                body.flag("downstream"),
                                                by))));
    }

    private static Instant time(String text) {
        Instant time;
        try {
            time =
                    text.length() == DAY.length()
                            ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
                            : OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException e) {
            throw noTime(text);
        }
        if (time.isBefore(FIRST) || !time.isBefore(LAST)) {
            throw noTime(text);
        }
        return time;
    }

    private static DoorException noTime(String text) {
        return new DoorException(
                ErrorCode.INVALID_REQUEST,
                "from is no time from 1970 to 9999",
                text,
                "send a day, such as %s, which begins in UTC, or a time with its offset, such as %sT12:00:00Z"
                        .formatted(DAY, DAY));
    }

    private HttpResponse answer(
            ServiceRequestContext ctx,
            HttpRequest request,
            List<String> fields,
            String action,
            Function<JsonBody, HttpResponse> work) {
        ctx.setMaxRequestLength(MOST_BYTES);
        return HttpResponse.of(
                request.aggregate()
                        .thenApplyAsync(
                                sent -> {
                                    ctx.clearRequestTimeout();
                                    return work.apply(JsonBody.read(sent, fields, action));
                                },
                                threads));
    }

    private static String dataset(ServiceRequestContext ctx) {
        return String.valueOf(ctx.pathParam("dataset"));
    }

    private static ObjectNode node(LakeQuarantine.Refresh refresh) {
        ObjectNode node = JSON.createObjectNode();
        ArrayNode refreshed = node.putArray("refreshed");
        refresh.refreshed().forEach(judged -> put(refreshed.addObject(), judged));
        ArrayNode following = node.putArray("following");
        refresh.following()
                .forEach(left ->
                        following
                                .addObject()
                                .put("dataset", left.dataset())
                                .put("reason", left.reason()));
        ArrayNode stale = node.putArray("stale");
        refresh.stale().forEach(stale::add);
        return node;
    }

    private static ObjectNode put(ObjectNode node, LakeQuarantine.Judged judged) {
        node.put("dataset", judged.dataset());
        judged.seq().ifPresent(seq -> node.put("seq", seq));
        return node.put("read", judged.read())
                .put("written", judged.written())
                .put("quarantined", judged.quarantined())
                .put("filtered", judged.filtered())
                .put("duplicates", judged.duplicates());
    }
}
