package org.tonle.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.SessionProtocol;
import com.linecorp.armeria.common.metric.MeterIdPrefixFunction;
import com.linecorp.armeria.common.util.EventLoopGroups;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.metric.MetricCollectingService;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.tonle.lake.TableStatus;
import org.tonle.query.ActiveQuery;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * The doors of one lake, on one port of 127.0.0.1. {@code openapi.yaml}, which it serves, is its
 * contract.
 */
public final class LakeServer implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long MOST_BYTES = 1L << 30;
    private static final Duration IDLE = Duration.ofSeconds(60);

    private final Server server;
    private final int port;
    private final EventLoopGroup workers;
    private final ExecutorService threads;
    private final AtomicBoolean stopping;

    private LakeServer(
            Server server,
            int port,
            EventLoopGroup workers,
            ExecutorService threads,
            AtomicBoolean stopping) {
        this.server = server;
        this.port = port;
        this.workers = workers;
        this.threads = threads;
        this.stopping = stopping;
    }

    /**
     * Opens the doors; they answer when this returns.
     *
     * @throws LakeException IN_USE if the port is taken
     */
    public static LakeServer start(Backend lake, ServerOptions options) {
        AtomicBoolean stopping = new AtomicBoolean();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        // two suffice for framing; the work is done on virtual threads
        EventLoopGroup workers = EventLoopGroups.newEventLoopGroup(2, "tonle-http");
        Server server = build(lake, options, stopping, threads, workers);
        try {
            server.start().join();
            return new LakeServer(server, server.activeLocalPort(), workers, threads, stopping);
        } catch (CompletionException e) {
            new LakeServer(server, options.port(), workers, threads, stopping).close();
            if (Errors.unwrap(e) instanceof IOException io) {
                throw new LakeException(
                        ErrorCode.IN_USE,
                        "port "
                                + options.port()
                                + " can't be opened ("
                                + io.getMessage()
                                + "); choose another with --port, or --port 0 for a free one",
                        e);
            }
            throw e;
        }
    }

    private static Server build(
            Backend lake,
            ServerOptions options,
            AtomicBoolean stopping,
            ExecutorService threads,
            EventLoopGroup workers) {
        Meters meters = new Meters();
        Gate ingests = new Gate("ingest requests", options.ingests(), stopping);
        Gate queries = new Gate("queries", options.queries(), stopping);
        ByteBudget bytes = new ByteBudget(options.bodyBytes());
        meters.watch("ingest", ingests);
        meters.watch("query", queries);
        meters.watch(bytes);
        byte[] openapi = resource("openapi.yaml");

        ServerBuilder builder =
                Server.builder()
                        .port(
                                new InetSocketAddress(loopback(), options.port()),
                                SessionProtocol.HTTP)
                        .defaultHostname(HostCheck.MISSING)
                        .workerGroup(workers, false)
                        .bossGroupFactory(QuickGroup::new)
                        .meterRegistry(meters.registry())
                        .errorHandler(new Errors())
                        // Errors logs what is a bug; the rest is the client's to know
                        .unloggedExceptionsReportInterval(Duration.ZERO)
                        .requestTimeout(Duration.ofSeconds(10))
                        .idleTimeout(IDLE)
                        .connectionDrainDurationMicros(0)
                        .maxNumConnections(1024)
                        .maxRequestLength(64 << 10)
                        .http1MaxInitialLineLength(8 << 10)
                        .http1MaxHeaderSize(16 << 10)
                        .http2MaxHeaderListSize(16 << 10)
                        .gracefulShutdownTimeout(Duration.ofMillis(50), options.drain());
        KeysDoor keys = new KeysDoor(lake, threads);
        QuarantineDoor quarantine = new QuarantineDoor(lake, threads);
        PolicyDoor policy = new PolicyDoor(lake, threads);
        SourcesDoor sources = new SourcesDoor(lake, threads);
        MaintenanceDoor maintenance = new MaintenanceDoor(lake, threads);
        List<Route> routes =
                List.of(
                        new Route(
                                "POST /api/v1/ingest/{source}",
                                TokenCheck.Door.INGEST,
                                new IngestDoor(lake, ingests, bytes, meters, threads)),
                        new Route(
                                "POST /api/v1/query",
                                TokenCheck.Door.ANYBODY_KNOWN,
                                new QueryDoor(lake, queries, threads)),
                        new Route(
                                "GET /api/v1/queries",
                                TokenCheck.Door.ANYBODY_KNOWN,
                                blocking(
                                        threads,
                                        ctx ->
                                                json(
                                                        active(
                                                                lake.queries(
                                                                        TokenCheck.principal(
                                                                                ctx)))))),
                        new Route(
                                "DELETE /api/v1/queries/{id}",
                                TokenCheck.Door.ANYBODY_KNOWN,
                                blocking(
                                        threads,
                                        ctx -> {
                                            lake.cancel(
                                                    String.valueOf(ctx.pathParam("id")),
                                                    TokenCheck.principal(ctx));
                                            return HttpResponse.of(HttpStatus.NO_CONTENT);
                                        })),
                        new Route(
                                "GET /api/v1/datasets",
                                TokenCheck.Door.ANYBODY_KNOWN,
                                blocking(
                                        threads,
                                        ctx ->
                                                json(
                                                        datasets(
                                                                lake.tables(
                                                                        TokenCheck.principal(
                                                                                ctx)))))),
                        new Route(
                                "GET /api/v1/sources",
                                TokenCheck.Door.OPERATE,
                                blocking(threads, sources::list)),
                        new Route(
                                "POST /api/v1/sources/{source}/pause",
                                TokenCheck.Door.OPERATE,
                                sources::pause),
                        new Route(
                                "POST /api/v1/sources/{source}/resume",
                                TokenCheck.Door.OPERATE,
                                sources::resume),
                        new Route(
                                "POST /api/v1/maintenance/keep",
                                TokenCheck.Door.ADMIN,
                                maintenance::keep),
                        new Route(
                                "POST /api/v1/maintenance/release",
                                TokenCheck.Door.ADMIN,
                                maintenance::release),
                        new Route(
                                "POST /api/v1/datasets/{dataset}/refresh",
                                TokenCheck.Door.OPERATE,
                                quarantine::refresh),
                        new Route(
                                "GET /api/v1/quarantine",
                                TokenCheck.Door.OPERATE,
                                blocking(threads, quarantine::list)),
                        new Route(
                                "GET /api/v1/quarantine/{dataset}",
                                TokenCheck.Door.OPERATE,
                                blocking(threads, quarantine::show)),
                        new Route(
                                "POST /api/v1/quarantine/{dataset}/replay",
                                TokenCheck.Door.OPERATE,
                                quarantine::replay),
                        new Route(
                                "GET /api/v1/lineage",
                                TokenCheck.Door.ANYBODY_KNOWN,
                                blocking(threads, new LineageDoor(lake)::answer)),
                        new Route(
                                "GET /api/v1/keys",
                                TokenCheck.Door.ADMIN,
                                blocking(threads, keys::list)),
                        new Route("POST /api/v1/keys", TokenCheck.Door.ADMIN, keys::create),
                        new Route(
                                "DELETE /api/v1/keys/{id}",
                                TokenCheck.Door.ADMIN,
                                blocking(threads, keys::revoke)),
                        new Route("POST /api/v1/policy/check", TokenCheck.Door.ADMIN, policy),
                        new Route(
                                "GET /metrics",
                                TokenCheck.Door.OPERATE,
                                blocking(
                                        threads,
                                        ctx ->
                                                HttpResponse.of(
                                                        HttpStatus.OK,
                                                        MediaType.parse(
                                                                "text/plain; version=0.0.4;"
                                                                        + " charset=utf-8"),
                                                        meters.scrape(lake)))),
                        new Route(
                                "GET /health/live",
                                TokenCheck.Door.ANYBODY,
                                (ctx, request) ->
                                        json(JSON.createObjectNode().put("status", "live"))),
                        new Route(
                                "GET /health/ready",
                                TokenCheck.Door.ANYBODY,
                                blocking(threads, ctx -> ready(lake, stopping))),
                        new Route(
                                "GET /openapi.yaml",
                                TokenCheck.Door.ANYBODY,
                                (ctx, request) ->
                                        HttpResponse.of(
                                                HttpStatus.OK,
                                                MediaType.parse("application/yaml; charset=utf-8"),
                                                openapi)));
        Gate catalog = new Gate("catalog requests", options.queries(), stopping);
        meters.watch("iceberg", catalog);
        IcebergDoor iceberg = new IcebergDoor(lake, catalog, bytes, meters, threads);
        builder.route()
                .methods(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST, HttpMethod.DELETE)
                .path("prefix:" + IcebergDoor.PREFIX)
                .maxRequestLength(MOST_BYTES)
                .requestAutoAbortDelay(Duration.ofSeconds(2))
                .defaultServiceName("/iceberg")
                .decorator(
                        MetricCollectingService.newDecorator(
                                MeterIdPrefixFunction.ofDefault("tonle.http")))
                .build(iceberg);
        for (Route route : routes) {
            builder.route()
                    .methods(HttpMethod.valueOf(route.method()))
                    .path(route.path())
                    // the doors set their own limits when they know the source
                    .maxRequestLength(MOST_BYTES)
                    // for a client that is still sending when it is refused: see Refusal
                    .requestAutoAbortDelay(Duration.ofSeconds(2))
                    .defaultServiceName(route.path())
                    .decorator(
                            MetricCollectingService.newDecorator(
                                    MeterIdPrefixFunction.ofDefault("tonle.http")))
                    .build(new TokenCheck(route.service(), lake, route.door()));
        }
        return builder.decorator(HostCheck::new).build();
    }

    /**
     * One path.
     *
     * @param name the method, a space, and the path
     * @param door who may use it
     */
    private record Route(String name, TokenCheck.Door door, HttpService service) {
        String method() {
            return name.substring(0, name.indexOf(' '));
        }

        String path() {
            return name.substring(name.indexOf(' ') + 1);
        }
    }

    private static InetAddress loopback() {
        try {
            return InetAddress.getByAddress("localhost", new byte[] {127, 0, 0, 1});
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are an address", e);
        }
    }

    private static HttpService blocking(
            ExecutorService threads, Function<ServiceRequestContext, HttpResponse> answer) {
        return (ctx, request) ->
                HttpResponse.of(CompletableFuture.supplyAsync(() -> answer.apply(ctx), threads));
    }

    private static HttpResponse ready(Backend lake, AtomicBoolean stopping) {
        if (stopping.get()) {
            throw new LakeException(ErrorCode.NOT_READY, "the lake is stopping");
        }
        lake.notReady()
                .ifPresent(reason -> {
                    throw new LakeException(ErrorCode.NOT_READY, reason);
                });
        return json(JSON.createObjectNode().put("status", "ready"));
    }

    private static ArrayNode active(List<ActiveQuery> queries) {
        ArrayNode array = JSON.createArrayNode();
        for (ActiveQuery query : queries) {
            array.addObject()
                    .put("id", query.id())
                    .put("principal", query.principal())
                    .put("since", query.since().toString())
                    .put("sql", query.sql());
        }
        return array;
    }

    private static ArrayNode datasets(List<TableStatus> datasets) {
        ArrayNode array = JSON.createArrayNode();
        for (TableStatus dataset : datasets) {
            ObjectNode node = array.addObject();
            node.put("name", dataset.name().toString());
            node.put("kind", dataset.kind());
            node.put("state", dataset.state().name().toLowerCase(Locale.ROOT));
            dataset.reason().ifPresent(reason -> node.put("reason", reason));
            if (dataset.whole()) {
                node.put("rows", dataset.rows());
                node.put("files", dataset.files());
            }
            node.put("seq", dataset.seq());
            node.put("lag", dataset.lag());
            dataset.retention()
                    .ifPresent(retention ->
                            node.put("retention_left_seconds", retention.left().toSeconds())
                                    .put("alarm", retention.alarm()));
            if (!dataset.whole()) {
                continue;
            }
            node.put("quarantined", dataset.quarantined());
            ArrayNode expectations = node.putArray("expectations");
            for (TableStatus.Expectation expectation : dataset.expectations()) {
                expectations
                        .addObject()
                        .put("name", expectation.name())
                        .put("action", expectation.action())
                        .put("passed", expectation.passed())
                        .put("failed", expectation.failed());
            }
        }
        return array;
    }

    static HttpResponse json(JsonNode node) {
        return json(HttpStatus.OK, node);
    }

    static HttpResponse json(HttpStatus status, JsonNode node) {
        try {
            return HttpResponse.of(status, MediaType.JSON_UTF_8, JSON.writeValueAsBytes(node));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings can always be written", e);
        }
    }

    private static byte[] resource(String name) {
        try (InputStream in = LakeServer.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is missing in the jar");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where clients find it: {@code http://127.0.0.1:port}. */
    public String url() {
        return "http://127.0.0.1:" + port;
    }

    Server server() {
        return server;
    }

    /** From now on new requests are refused with 503; those inside go on. */
    public void refuse() {
        stopping.set(true);
    }

    /**
     * {@linkplain #refuse Refuses} new requests, lets those inside end within {@link
     * ServerOptions#drain}, and closes the port. Does nothing the second time.
     */
    @Override
    public void close() {
        refuse();
        server.stop().join();
        threads.shutdownNow();
        workers.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    /** The contract, as it is served. */
    static String openapi() {
        return new String(resource("openapi.yaml"), StandardCharsets.UTF_8);
    }
}
