package org.tonle.server;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.util.List;
import java.util.concurrent.Executor;

/** {@code /api/v1/maintenance}: keeps files that are to go, and lets them go after all. */
final class MaintenanceDoor {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ACTION =
            "send {\"prefix\": \"file:///…\"}, the beginning of what system.marked_files shows";

    private final Backend lake;
    private final Executor threads;

    MaintenanceDoor(Backend lake, Executor threads) {
        this.lake = lake;
        this.threads = threads;
    }

    HttpResponse keep(ServiceRequestContext ctx, HttpRequest request) {
        return say(request, true);
    }

    HttpResponse release(ServiceRequestContext ctx, HttpRequest request) {
        return say(request, false);
    }

    private HttpResponse say(HttpRequest request, boolean kept) {
        return HttpResponse.of(
                request.aggregate()
                        .thenApplyAsync(
                                sent -> {
                                    String prefix =
                                            JsonBody.read(sent, List.of("prefix"), ACTION)
                                                    .needed("prefix");
                                    return LakeServer.json(
                                            JSON.createObjectNode()
                                                    .put("files", lake.keepFiles(prefix, kept)));
                                },
                                threads));
    }
}
