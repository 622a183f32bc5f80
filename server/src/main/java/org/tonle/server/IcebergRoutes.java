package org.tonle.server;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.QueryParams;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.Endpoint;
import org.apache.iceberg.rest.RESTResponse;
import org.apache.iceberg.rest.RESTSerializers;
import org.apache.iceberg.rest.RESTUtil;
import org.apache.iceberg.rest.requests.CommitTransactionRequest;
import org.apache.iceberg.rest.requests.CreateNamespaceRequest;
import org.apache.iceberg.rest.requests.CreateTableRequest;
import org.apache.iceberg.rest.requests.CreateViewRequest;
import org.apache.iceberg.rest.requests.RegisterTableRequest;
import org.apache.iceberg.rest.requests.RegisterViewRequest;
import org.apache.iceberg.rest.requests.RenameTableRequest;
import org.apache.iceberg.rest.requests.UpdateNamespacePropertiesRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequest;
import org.apache.iceberg.rest.responses.ConfigResponse;
import org.apache.iceberg.rest.responses.ImmutableLoadCredentialsResponse;
import org.apache.iceberg.rest.responses.ListNamespacesResponse;
import org.apache.iceberg.rest.responses.ListTablesResponse;
import org.apache.iceberg.rest.responses.LoadTableResponse;
import org.jspecify.annotations.Nullable;
import org.tonle.lake.IcebergClient;

/**
 * What Iceberg's REST protocol has here: which operation a path is, and its bodies. The list that
 * clients are given is this one.
 */
final class IcebergRoutes {
    /** Outside clients never remove files: whatever a table says, it goes out with this. */
    private static final String GC_ENABLED = "gc.enabled";

    private static final String SEPARATOR = "\u001f";

    private static final ObjectMapper JSON =
            new ObjectMapper()
                    .setVisibility(PropertyAccessor.FIELD, JsonAutoDetect.Visibility.ANY)
                    .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false)
                    .setPropertyNamingStrategy(new PropertyNamingStrategies.KebabCaseStrategy());

    static {
        RESTSerializers.registerAll(JSON);
    }

    private final Meters meters;

    /** By their endpoint, in the order in which they are listed. */
    private final List<Route> routes = new ArrayList<>();

    IcebergRoutes(Meters meters) {
        this.meters = meters;
        namespaces();
        tables();
        views();
    }

    /**
     * A request.
     *
     * @param known the ETag of what the client has
     */
    record Asked(
            IcebergClient client, QueryParams parameters, Optional<String> known, HttpData body) {
        <T> T read(Class<T> type) throws IOException {
            JsonNode tree = JSON.readTree(body.array());
            if (!(tree instanceof ObjectNode object)) {
                throw new IllegalArgumentException("the body isn't a JSON object");
            }
            return JSON.treeToValue(withoutGc(object), type);
        }
    }

    /** What the path names. */
    private record Named(Optional<Namespace> in, Optional<String> name) {
        Namespace namespace() {
            return in.orElseThrow();
        }

        TableIdentifier table() {
            return TableIdentifier.of(namespace(), name.orElseThrow());
        }
    }

    @FunctionalInterface
    private interface Operation {
        HttpResponse answer(Asked asked, Named named) throws IOException;
    }

    /**
     * @param segments of the path after the prefix; a name in braces stands for any
     */
    private record Route(Endpoint endpoint, List<String> segments, Operation operation) {
        Optional<Named> matches(List<String> path) {
            if (path.size() != segments.size()) {
                return Optional.empty();
            }
            Optional<Namespace> in = Optional.empty();
            Optional<String> name = Optional.empty();
            for (int i = 0; i < path.size(); i++) {
                String segment = segments.get(i);
                if (segment.equals("{namespace}")) {
                    in = Optional.of(decoded(RESTUtil.decodePathSegment(path.get(i))));
                } else if (segment.startsWith("{")) {
                    name = Optional.of(RESTUtil.decodePathSegment(path.get(i)));
                } else if (!segment.equals(path.get(i))) {
                    return Optional.empty();
                }
            }
            return Optional.of(new Named(in, name));
        }
    }

    private static Namespace decoded(String encoded) {
        return Namespace.of(encoded.split(SEPARATOR, -1));
    }

    private void add(Endpoint endpoint, Operation operation) {
        List<String> segments =
                Arrays.stream(endpoint.path().split("/"))
                        .filter(segment -> !segment.isEmpty() && !segment.equals("{prefix}"))
                        .toList();
        routes.add(new Route(endpoint, segments, operation));
    }

    /**
     * @param path its segments after {@code /iceberg/}, as they were sent
     */
    HttpResponse answer(HttpMethod method, List<String> path, Asked asked) throws IOException {
        if (path.equals(List.of("v1", "config")) && method == HttpMethod.GET) {
            return json(config());
        }
        for (Route route : routes) {
            if (route.endpoint().httpMethod().equals(method.name())) {
                Optional<Named> named = route.matches(path);
                if (named.isPresent()) {
                    return route.operation().answer(asked, named.get());
                }
            }
        }
        return IcebergDoor.nothing(
                "there is no %s /iceberg/%s; GET /iceberg/v1/config lists what there is"
                        .formatted(method, String.join("/", path)));
    }

    private ConfigResponse config() {
        return ConfigResponse.builder()
                .withEndpoints(routes.stream().map(Route::endpoint).toList())
                // the ledger forgets no commit; clients want to hear a time
                .withIdempotencyKeyLifetime("P1D")
                .build();
    }

    private void namespaces() {
        add(
                Endpoint.V1_LIST_NAMESPACES,
                (asked, named) -> {
                    String parent = asked.parameters().get("parent", "");
                    Namespace below = parent.isEmpty() ? Namespace.empty() : decoded(parent);
                    Page<Namespace> page =
                            page(
                                    asked,
                                    asked.client().namespaces(below),
                                    namespace -> String.join(SEPARATOR, namespace.levels()));
                    return json(
                            ListNamespacesResponse.builder()
                                    .addAll(page.items())
                                    .nextPageToken(page.next())
                                    .build());
                });
        add(
                Endpoint.V1_CREATE_NAMESPACE,
                (asked, named) ->
                        json(
                                asked.client()
                                        .createNamespace(
                                                asked.read(CreateNamespaceRequest.class))));
        add(
                Endpoint.V1_LOAD_NAMESPACE,
                (asked, named) -> json(asked.client().namespace(named.namespace())));
        add(
                Endpoint.V1_NAMESPACE_EXISTS,
                (asked, named) -> {
                    var unused = asked.client().namespace(named.namespace());
                    return done();
                });
        add(
                Endpoint.V1_DELETE_NAMESPACE,
                (asked, named) -> {
                    asked.client().dropNamespace(named.namespace());
                    return done();
                });
        add(
                Endpoint.V1_UPDATE_NAMESPACE,
                (asked, named) ->
                        json(
                                asked.client()
                                        .updateNamespace(
                                                named.namespace(),
                                                asked.read(
                                                        UpdateNamespacePropertiesRequest.class))));
    }

    private void tables() {
        add(
                Endpoint.V1_LIST_TABLES,
                (asked, named) -> list(asked, asked.client().tables(named.namespace())));
        add(
                Endpoint.V1_CREATE_TABLE,
                (asked, named) -> {
                    CreateTableRequest request = asked.read(CreateTableRequest.class);
                    request.validate();
                    IcebergClient client = asked.client();
                    return request.stageCreate()
                            ? table(client, client.stageTable(named.namespace(), request), "all")
                            : table(client, client.createTable(named.namespace(), request), "all");
                });
        add(
                Endpoint.V1_REGISTER_TABLE,
                (asked, named) ->
                        table(
                                asked.client(),
                                asked.client()
                                        .registerTable(
                                                named.namespace(),
                                                asked.read(RegisterTableRequest.class)),
                                "all"));
        add(Endpoint.V1_LOAD_TABLE, (asked, named) -> load(asked, named.table()));
        add(
                Endpoint.V1_TABLE_EXISTS,
                (asked, named) -> {
                    asked.client().requireTable(named.table());
                    return done();
                });
        add(
                Endpoint.V1_UPDATE_TABLE,
                (asked, named) -> {
                    UpdateTableRequest sent = asked.read(UpdateTableRequest.class);
                    if (sent.identifier() != null && !sent.identifier().equals(named.table())) {
                        throw new IllegalArgumentException(
                                "the body names another table than the path: " + sent.identifier());
                    }
                    UpdateTableRequest request =
                            UpdateTableRequest.create(
                                    named.table(), sent.requirements(), sent.updates());
                    return table(
                            asked.client(),
                            asked.client().update(List.of(request)).getFirst(),
                            "all");
                });
        add(
                Endpoint.V1_DELETE_TABLE,
                (asked, named) -> {
                    // purged or not: files go when the lake's own clean-up lets them
                    asked.client().dropTable(named.table());
                    return done();
                });
        add(
                Endpoint.V1_RENAME_TABLE,
                (asked, named) -> {
                    asked.client().renameTable(asked.read(RenameTableRequest.class));
                    return done();
                });
        add(
                Endpoint.V1_COMMIT_TRANSACTION,
                (asked, named) -> {
                    var unused =
                            asked.client()
                                    .update(
                                            asked.read(CommitTransactionRequest.class)
                                                    .tableChanges());
                    return done();
                });
        add(
                Endpoint.V1_REPORT_METRICS,
                (asked, named) -> {
                    asked.client().requireTable(named.table());
                    meters.reported();
                    return done();
                });
        add(
                Endpoint.V1_TABLE_CREDENTIALS,
                (asked, named) -> {
                    var unused = asked.client().table(named.table());
                    return json(ImmutableLoadCredentialsResponse.builder().build());
                });
    }

    private void views() {
        add(
                Endpoint.V1_LIST_VIEWS,
                (asked, named) -> list(asked, asked.client().views(named.namespace())));
        add(
                Endpoint.V1_CREATE_VIEW,
                (asked, named) ->
                        json(
                                asked.client()
                                        .createView(
                                                named.namespace(),
                                                asked.read(CreateViewRequest.class))));
        add(
                Endpoint.V1_REGISTER_VIEW,
                (asked, named) ->
                        json(
                                asked.client()
                                        .registerView(
                                                named.namespace(),
                                                asked.read(RegisterViewRequest.class))));
        add(Endpoint.V1_LOAD_VIEW, (asked, named) -> json(asked.client().view(named.table())));
        add(
                Endpoint.V1_VIEW_EXISTS,
                (asked, named) -> {
                    asked.client().requireView(named.table());
                    return done();
                });
        add(
                Endpoint.V1_UPDATE_VIEW,
                (asked, named) ->
                        json(
                                asked.client()
                                        .updateView(
                                                named.table(),
                                                asked.read(UpdateTableRequest.class))));
        add(
                Endpoint.V1_DELETE_VIEW,
                (asked, named) -> {
                    asked.client().dropView(named.table());
                    return done();
                });
        add(
                Endpoint.V1_RENAME_VIEW,
                (asked, named) -> {
                    asked.client().renameView(asked.read(RenameTableRequest.class));
                    return done();
                });
    }

    private static HttpResponse list(Asked asked, List<TableIdentifier> tables) {
        Page<TableIdentifier> page = page(asked, tables, TableIdentifier::name);
        return json(
                ListTablesResponse.builder()
                        .addAll(page.items())
                        .nextPageToken(page.next())
                        .build());
    }

    private HttpResponse load(Asked asked, TableIdentifier table) {
        String snapshots = asked.parameters().get("snapshots", "all");
        if (!List.of("all", "refs").contains(snapshots)) {
            throw new IllegalArgumentException("snapshots is all or refs, and not " + snapshots);
        }
        TableMetadata metadata = asked.client().table(table);
        String tag = tag(metadata, snapshots);
        if (asked.known().filter(known -> known.equals(tag) || known.equals("*")).isPresent()) {
            return HttpResponse.of(
                    ResponseHeaders.of(HttpStatus.NOT_MODIFIED, HttpHeaderNames.ETAG, tag));
        }
        if (snapshots.equals("all")) {
            return table(asked.client(), metadata, snapshots);
        }
        TableMetadata referenced =
                TableMetadata.buildFrom(metadata)
                        .withMetadataLocation(metadata.metadataFileLocation())
                        .suppressHistoricalSnapshots()
                        .build();
        return table(asked.client(), referenced, snapshots);
    }

    /** What lies at a location never changes. */
    private static String tag(TableMetadata metadata, String snapshots) {
        String of = snapshots + " " + metadata.metadataFileLocation();
        return "\"" + UUID.nameUUIDFromBytes(of.getBytes(StandardCharsets.UTF_8)) + "\"";
    }

    private static HttpResponse table(
            IcebergClient client, TableMetadata metadata, String snapshots) {
        ObjectNode tree =
                JSON.valueToTree(
                        LoadTableResponse.builder()
                                .withTableMetadata(metadata)
                                .addAllConfig(client.fileSettings())
                                .build());
        tree.withObject("/metadata/properties").put(GC_ENABLED, "false");
        ResponseHeadersBuilder headers = ResponseHeaders.builder(HttpStatus.OK);
        if (metadata.metadataFileLocation() != null) {
            headers.set(HttpHeaderNames.ETAG, tag(metadata, snapshots));
        }
        return response(headers, tree);
    }

    /** What a client says of it would be in the lake's own way. */
    private static ObjectNode withoutGc(ObjectNode body) {
        for (String properties : List.of("properties", "updates")) {
            if (body.get(properties) instanceof ObjectNode named) {
                named.remove(GC_ENABLED);
            }
        }
        for (String changes : List.of("updates", "table-changes")) {
            if (body.get(changes) != null && body.get(changes).isArray()) {
                for (JsonNode change : body.get(changes)) {
                    if (change instanceof ObjectNode object) {
                        var unused = withoutGc(object);
                    }
                }
            }
        }
        return body;
    }

    /**
     * @param next where the next page begins; null: this is the last
     */
    private record Page<T>(List<T> items, @Nullable String next) {}

    /** After the name that the token is, so that what comes and goes meanwhile shifts nothing. */
    private static <T> Page<T> page(Asked asked, List<T> all, Function<T, String> name) {
        List<T> sorted = new ArrayList<>(all);
        sorted.sort(java.util.Comparator.comparing(name));
        String token = asked.parameters().get("pageToken", "");
        String size = asked.parameters().get("pageSize", "");
        int most = sorted.size();
        if (!size.isEmpty()) {
            most = size.matches("[1-9][0-9]{0,8}") ? Integer.parseInt(size) : 0;
            if (most == 0) {
                throw new IllegalArgumentException("pageSize is a number from 1 on, not " + size);
            }
        }
        if (!token.isEmpty()) {
            String after = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
            sorted.removeIf(item -> name.apply(item).compareTo(after) <= 0);
        }
        if (sorted.size() <= most) {
            return new Page<>(sorted, null);
        }
        List<T> items = sorted.subList(0, most);
        return new Page<>(
                items,
                Base64.getUrlEncoder()
                        .withoutPadding()
                        .encodeToString(
                                name.apply(items.getLast()).getBytes(StandardCharsets.UTF_8)));
    }

    private static HttpResponse done() {
        return HttpResponse.of(HttpStatus.NO_CONTENT);
    }

    private static HttpResponse json(RESTResponse body) {
        return response(ResponseHeaders.builder(HttpStatus.OK), body);
    }

    private static HttpResponse response(ResponseHeadersBuilder headers, Object body) {
        try {
            return HttpResponse.of(
                    headers.contentType(MediaType.JSON_UTF_8).build(),
                    HttpData.wrap(JSON.writeValueAsBytes(body)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("what Iceberg answers can always be written", e);
        }
    }
}
