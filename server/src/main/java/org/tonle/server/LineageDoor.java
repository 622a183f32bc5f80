package org.tonle.server;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.util.List;
import java.util.Locale;
import org.tonle.query.ColumnLineage;
import org.tonle.spi.ErrorCode;

/** {@code GET /api/v1/lineage?column=…}. */
final class LineageDoor {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Backend lake;

    LineageDoor(Backend lake) {
        this.lake = lake;
    }

    HttpResponse answer(ServiceRequestContext ctx) {
        String column = ctx.queryParam("column");
        if (column == null || column.isBlank()) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    "the parameter column is missing",
                    null,
                    "ask for ?column=namespace.table.column");
        }
        ColumnLineage lineage = lake.lineage(column, TokenCheck.principal(ctx));
        ObjectNode node = JSON.createObjectNode().put("column", lineage.column());
        node.set("upstream", steps(lineage.upstream()));
        node.set("downstream", steps(lineage.downstream()));
        return LakeServer.json(node);
    }

    private static ArrayNode steps(List<ColumnLineage.Step> steps) {
        ArrayNode array = JSON.createArrayNode();
        for (ColumnLineage.Step step : steps) {
            array.addObject()
                    .put("column", step.column())
                    .put("via", step.via().name().toLowerCase(Locale.ROOT))
                    .set("further", steps(step.further()));
        }
        return array;
    }
}
