package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle refresh}. */
@Command(
        name = "refresh",
        description = {
            "Computes a streaming table or a change table of a running lake anew from all that its"
                    + " input holds.",
            "Readers see the old rows until all new ones are there. What was mended with quarantine"
                    + " replay --fix is as it came."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        footerHeading = "%nFor example:%n",
        footer = "  tonle refresh silver.orders --downstream")
final class RefreshCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Mixin private Where where = new Where();

    @Option(
            names = "--downstream",
            description = "Also the streaming tables that read it, each after those that it reads.")
    private boolean downstream;

    @Parameters(paramLabel = "NAME", description = "As namespace.table.")
    private String name = "";

    RefreshCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Where.Lake lake = where.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            JsonNode answer =
                    client.post(
                            lake.url(),
                            "/api/v1/datasets/" + QuarantineCommand.encoded(name) + "/refresh",
                            downstream ? Map.of("downstream", true) : Map.of());
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
