package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle refresh}. */
@Command(
        name = "refresh",
        description = {
            "Computes a streaming table or a change table of a running lake anew from what its input"
                    + " holds.",
            "Readers see the old rows until all new ones are there. What was mended with quarantine"
                    + " replay --fix is as it came."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        footerHeading = "%nFor example:%n",
        footer = {
            "  tonle refresh silver.orders --downstream",
            "  tonle refresh silver.orders --from 2026-01-31T12:00:00Z"
        })
final class RefreshCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Mixin private Where where = new Where();

    @Option(
            names = "--downstream",
            description =
                    "Also the streaming tables and change tables that read it, each after those that"
                            + " it reads.")
    private boolean downstream;

    @Option(
            names = "--from",
            paramLabel = "TIME",
            description =
                    "Of a streaming table: leave rows as they are that were taken in before. A day,"
                            + " which begins in UTC, or a time with its offset.")
    private @Nullable String from;

    @Parameters(paramLabel = "NAME", description = "As namespace.table.")
    private String name = "";

    RefreshCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Map<String, Object> body = new LinkedHashMap<>();
        if (downstream) {
            body.put("downstream", true);
        }
        if (from != null) {
            body.put("from", from);
        }
        Where.Lake lake = where.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            JsonNode answer =
                    client.post(
                            lake.url(),
                            "/api/v1/datasets/" + QuarantineCommand.encoded(name) + "/refresh",
                            body);
            terminal.out().write(text(answer).getBytes(StandardCharsets.UTF_8));
            return Exit.OK;
        } catch (ConnectException e) {
            throw new Failure(Exit.NOT_RUNNING, "no lake answers at " + lake.url());
        }
    }

    private static String text(JsonNode answer) {
        StringBuilder text = new StringBuilder();
        for (JsonNode one : answer.path("refreshed")) {
            text.append(
                    "%s: %,d rows read, %,d written, %,d to quarantine%n"
                            .formatted(
                                    one.path("dataset").asText(),
                                    one.path("read").asLong(),
                                    one.path("written").asLong(),
                                    one.path("quarantined").asLong()));
        }
        for (JsonNode one : answer.path("following")) {
            text.append(
                    "%s follows by itself, but hasn't yet: %s%n"
                            .formatted(one.path("dataset").asText(), one.path("reason").asText()));
        }
        List<String> stale = new ArrayList<>();
        answer.path("stale").forEach(each -> stale.add(each.asText()));
        if (!stale.isEmpty()) {
            text.append(
                    "these read what was rewritten and stand still until they are refreshed, in this"
                            + " order: %s%n".formatted(String.join(", ", stale)));
        }
        return text.toString();
    }
}
