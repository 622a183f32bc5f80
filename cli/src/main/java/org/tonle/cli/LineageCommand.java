package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code tonle lineage}. */
@Command(
        name = "lineage",
        description = "Shows where a column of a running lake comes from, and what comes of it.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        footerHeading = "%nFor example:%n",
        footer = "  tonle lineage silver.flights.delay")
final class LineageCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Mixin private Where where = new Where();

    @Parameters(paramLabel = "COLUMN", description = "As namespace.table.column.")
    private String column = "";

    LineageCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Where.Lake lake = where.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            terminal.out()
                    .write(
                            text(client.lineage(lake.url(), column))
                                    .getBytes(StandardCharsets.UTF_8));
            return Exit.OK;
        } catch (ConnectException e) {
            throw new Failure(Exit.NOT_RUNNING, "no lake answers at " + lake.url());
        }
    }

    private String text(JsonNode lineage) {
        StringBuilder text = new StringBuilder();
        text.append(terminal.bold(lineage.path("column").asText())).append('\n');
        tree("is made of", lineage.path("upstream"), text);
        tree("is used by", lineage.path("downstream"), text);
        return text.toString();
    }

    private static void tree(String title, JsonNode steps, StringBuilder text) {
        text.append("  ").append(title).append(steps.isEmpty() ? " nothing\n" : "\n");
        steps(steps, 2, text);
    }

    private static void steps(JsonNode steps, int depth, StringBuilder text) {
        for (JsonNode step : steps) {
            text.append("  ".repeat(depth))
                    .append(step.path("column").asText())
                    .append(step.path("via").asText().equals("rows") ? "  (its rows)" : "")
                    .append('\n');
            steps(step.path("further"), depth + 1, text);
        }
    }
}
