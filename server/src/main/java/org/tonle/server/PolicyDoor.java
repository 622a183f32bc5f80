package org.tonle.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import org.tonle.lake.PolicyReport;

/** {@code POST /api/v1/policy/check}: what somebody would see of a statement, and why. */
final class PolicyDoor implements HttpService {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ACTION =
            "send {\"sql\": \"SELECT …\", \"as\": \"anna\", \"roles\": [\"data_viewer\"]}; roles may"
                    + " be left out for a user of policies/*.yaml";

    private final Backend lake;
    private final Executor threads;

    PolicyDoor(Backend lake, Executor threads) {
        this.lake = lake;
        this.threads = threads;
    }

    @Override
    public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) {
        ctx.setMaxRequestLength(QueryDoor.MOST_BYTES);
        return HttpResponse.of(
                request.aggregate()
                        .thenApplyAsync(
                                sent -> {
                                    ctx.clearRequestTimeout();
                                    JsonBody body =
                                            JsonBody.read(
                                                    sent, List.of("sql", "as", "roles"), ACTION);
                                    return LakeServer.json(
                                            HttpStatus.OK,
                                            node(
                                                    lake.check(
                                                            body.needed("sql"),
                                                            body.needed("as"),
                                                            Set.copyOf(
                                                                    new TreeSet<>(
                                                                            body.texts("roles"))),
                                                            TokenCheck.principal(ctx))));
                                },
                                threads));
    }

    private static ObjectNode node(PolicyReport report) {
        ObjectNode node = JSON.createObjectNode();
        node.put("principal", report.principal().name());
        ArrayNode roles = node.putArray("roles");
        new TreeSet<>(report.principal().roles()).forEach(roles::add);
        ObjectNode attributes = node.putObject("attributes");
        new TreeMap<>(report.principal().attributes()).forEach(attributes::put);
        ArrayNode tables = node.putArray("tables");
        report.tables().forEach(table -> add(tables.addObject(), table));
        report.refusal()
                .ifPresent(refusal ->
                        node.putObject("refusal")
                                .put("code", refusal.code().name())
                                .put("detail", String.valueOf(refusal.getMessage())));
        report.rows()
                .ifPresent(rows -> {
                    try {
                        node.set("rows", JSON.readTree(rows));
                    } catch (JsonProcessingException e) {
                        throw new IllegalStateException("rows are written as JSON", e);
                    }
                });
        return node;
    }

    private static void add(ObjectNode node, PolicyReport.Table table) {
        node.put("name", table.name());
        ArrayNode columns = node.putArray("columns");
        table.columns().forEach(columns::add);
        ArrayNode grants = node.putArray("grants");
        table.grants()
                .forEach(grant -> {
                    ObjectNode one = grants.addObject().put("role", grant.role());
                    grant.column().ifPresent(column -> one.put("column", column));
                    one.put("by", grant.by());
                });
        ArrayNode filters = node.putArray("row_filters");
        table.filters()
                .forEach(filter ->
                        filters.addObject()
                                .put("where", filter.condition().text())
                                .put("by", filter.place().toString()));
        ArrayNode masks = node.putArray("masks");
        table.masks()
                .forEach(mask ->
                        masks.addObject()
                                .put("column", mask.column())
                                .put("value", mask.value().text())
                                .put("by", mask.value().place().toString()));
    }
}
