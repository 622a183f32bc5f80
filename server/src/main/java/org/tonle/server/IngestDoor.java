package org.tonle.server;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.zip.GZIPInputStream;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.ingest.IngestReceipt;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** {@code POST /api/v1/ingest/{source}}: answers when the events are durable. */
final class IngestDoor implements HttpService {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration TO_ARRIVE = Duration.ofSeconds(60);
    private static final Duration TO_ANSWER = Duration.ofSeconds(150);
    private static final Set<String> TYPES =
            Set.of("application/json", "application/x-ndjson", "application/ndjson");
    // what helps to find a request again in other systems; nothing that could hold a credential
    private static final List<String> KEPT =
            List.of("traceparent", "tracestate", "x-request-id", "x-correlation-id");

    private final Backend lake;
    private final Gate gate;
    private final ByteBudget bytes;
    private final Meters meters;
    private final Executor threads;

    IngestDoor(Backend lake, Gate gate, ByteBudget bytes, Meters meters, Executor threads) {
        this.lake = lake;
        this.gate = gate;
        this.bytes = bytes;
        this.meters = meters;
        this.threads = threads;
    }

    @Override
    public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) {
        try {
            return admit(ctx, request);
        } catch (LakeException e) {
            return Refusal.of(ctx, request, e);
        }
    }

    private HttpResponse admit(ServiceRequestContext ctx, HttpRequest request) {
        SourceDefinition source = source(Objects.requireNonNull(ctx.pathParam("source")));
        String contentType = contentType(request.headers());
        boolean gzip = gzip(request.headers());
        Optional<String> key = idempotencyKey(request.headers());
        long most = source.kind().maxRecordBytes();
        long length = request.headers().contentLength();
        if (length > most) {
            throw tooLarge(source);
        }
        Gate.Pass pass = gate.enter();
        ByteBudget.Share share = bytes.share();
        try {
            share.growTo(Math.max(length, 0));
        } catch (LakeException e) {
            pass.close();
            throw e;
        }
        ctx.setMaxRequestLength(most);
        ctx.setRequestTimeout(TO_ARRIVE);
        // one that doesn't say its length takes room as it comes
        HttpRequest counted =
                length >= 0 ? request : request.peekData(data -> share.grow(data.length()));
        return HttpResponse.of(
                counted.aggregate()
                        .thenApplyAsync(
                                body -> {
                                    ctx.setRequestTimeout(TO_ANSWER);
                                    return ingest(source, body, contentType, gzip, key, share);
                                },
                                threads)
                        .whenComplete((response, error) -> {
                            share.close();
                            pass.close();
                        }));
    }

    private HttpResponse ingest(
            SourceDefinition source,
            AggregatedHttpRequest request,
            String contentType,
            boolean gzip,
            Optional<String> key,
            ByteBudget.Share share) {
        byte[] body = request.content().array();
        if (gzip) {
            body = inflate(source, body, share);
        }
        IngestReceipt receipt =
                lake.ingest(source.name(), body, contentType, key, kept(request.headers()));
        meters.ingested(source.name(), receipt.accepted(), body.length);
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("accepted", receipt.accepted());
        answer.put("topic", receipt.topic());
        answer.put("partition", receipt.partition());
        answer.put("position", receipt.position());
        try {
            return HttpResponse.of(
                    HttpStatus.ACCEPTED, MediaType.JSON, JSON.writeValueAsBytes(answer));
        } catch (IOException e) {
            throw new IllegalStateException("a map of numbers can always be written", e);
        }
    }

    private SourceDefinition source(String name) {
        SourceDefinition source =
                lake.source(name)
                        .orElseThrow(() ->
                                new DoorException(
                                        ErrorCode.NOT_FOUND,
                                        "there is no source of this name",
                                        name,
                                        "define it in sources/"
                                                + name
                                                + ".yaml and restart the"
                                                + " lake"));
        if (!(source.kind() instanceof SourceKind.Http)) {
            throw new DoorException(
                    ErrorCode.NOT_FOUND,
                    "this source takes no requests: its kind is " + source.kind().name(),
                    name,
                    "send to a source of kind http");
        }
        return source;
    }

    private static DoorException tooLarge(SourceDefinition source) {
        return new DoorException(
                ErrorCode.TOO_LARGE,
                "the body is larger than the "
                        + source.kind().maxRecordBytes()
                        + " bytes that source "
                        + source.name()
                        + " takes",
                null,
                "send fewer events per request, or raise max-body in sources/"
                        + source.name()
                        + ".yaml");
    }

    private static String contentType(RequestHeaders headers) {
        String raw = headers.get(HttpHeaderNames.CONTENT_TYPE);
        if (raw == null) {
            return "application/json";
        }
        MediaType type = headers.contentType();
        String essence = type == null ? "" : type.type() + "/" + type.subtype();
        if (type == null
                || !TYPES.contains(essence)
                || !type.charset(StandardCharsets.UTF_8).equals(StandardCharsets.UTF_8)) {
            throw new DoorException(
                    HttpStatus.UNSUPPORTED_MEDIA_TYPE,
                    ErrorCode.INVALID_REQUEST,
                    "events are taken as JSON in UTF-8",
                    raw,
                    "send content-type: application/json (one event, or an array of events) or"
                            + " application/x-ndjson (an event per line)");
        }
        return essence;
    }

    private static boolean gzip(RequestHeaders headers) {
        String encoding = headers.get(HttpHeaderNames.CONTENT_ENCODING, "identity");
        return switch (encoding.toLowerCase(Locale.ROOT)) {
            case "identity" -> false;
            case "gzip", "x-gzip" -> true;
            default ->
                    throw new DoorException(
                            HttpStatus.UNSUPPORTED_MEDIA_TYPE,
                            ErrorCode.INVALID_REQUEST,
                            "this content-encoding isn't known",
                            encoding,
                            "compress with gzip, or not at all");
        };
    }

    private static Optional<String> idempotencyKey(RequestHeaders headers) {
        List<String> keys = headers.getAll("idempotency-key");
        if (keys.isEmpty()) {
            return Optional.empty();
        }
        String key = keys.getFirst();
        if (keys.size() > 1 || !key.matches("[\\x21-\\x7e]{1,255}")) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    "an Idempotency-Key is one value of 1 to 255 visible ASCII characters",
                    key,
                    "send a UUID");
        }
        return Optional.of(key);
    }

    private static Map<String, String> kept(RequestHeaders headers) {
        Map<String, String> kept = new LinkedHashMap<>();
        for (String name : KEPT) {
            String value = headers.get(name);
            if (value != null && value.length() <= 512) {
                kept.put(name, value);
            }
        }
        return kept;
    }

    /** Stops as soon as the source's limit or the memory for bodies is passed. */
    private static byte[] inflate(SourceDefinition source, byte[] body, ByteBudget.Share share) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(Math.max(64, body.length * 2));
        byte[] buffer = new byte[64 << 10];
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(body), 8 << 10)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (out.size() + (long) n > source.kind().maxRecordBytes()) {
                    throw tooLarge(source);
                }
                share.growTo(body.length + out.size() + (long) n);
                out.write(buffer, 0, n);
            }
        } catch (IOException e) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    "the body isn't gzip, though content-encoding says so: " + e.getMessage(),
                    null,
                    "compress it, or leave content-encoding out");
        }
        return out.toByteArray();
    }
}
