package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tonle ls}. */
@Command(
        name = "ls",
        description = {
            "Shows the sources and tables of a running lake and how they are: state, rows, what"
                    + " waits, and why something isn't running as it should.",
            "Sources are shown to the roles data_engineer and admin, tables to whoever may see"
                    + " them."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class ListCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int WIDTH = 100;

    private enum Format {
        table,
        json
    }

    private final Terminal terminal;

    @Mixin private Where where = new Where();

    @Option(
            names = "--format",
            paramLabel = "F",
            defaultValue = "table",
            description = "${COMPLETION-CANDIDATES}; table if left out.")
    private Format format = Format.table;

    ListCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Where.Lake lake = where.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            Optional<JsonNode> sources = sources(client, lake.url());
            JsonNode datasets = client.datasets(lake.url());
            String text =
                    switch (format) {
                        case table -> text(sources, datasets);
                        case json -> json(sources, datasets);
                    };
            terminal.out().write(text.getBytes(StandardCharsets.UTF_8));
            return Exit.OK;
        } catch (ConnectException e) {
            throw new Failure(Exit.NOT_RUNNING, "no lake answers at " + lake.url());
        }
    }

    /** Empty for whoever doesn't operate the lake. */
    private static Optional<JsonNode> sources(LakeClient client, String url) throws IOException {
        try {
            return Optional.of(client.sources(url));
        } catch (LakeClient.Refused e) {
            if (e.code().equals("FORBIDDEN")) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static String json(Optional<JsonNode> sources, JsonNode datasets) throws IOException {
        ObjectNode all = JSON.createObjectNode();
        sources.ifPresent(found -> all.set("sources", found));
        all.set("datasets", datasets);
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(all) + "\n";
    }

    private String text(Optional<JsonNode> sources, JsonNode datasets) {
        StringBuilder text = new StringBuilder();
        List<String> reasons = new ArrayList<>();
        sources.filter(found -> !found.isEmpty())
                .ifPresent(found -> {
                    TextTable table =
                            new TextTable(
                                    List.of(
                                            "source", "kind", "state", "waits", "for", "events",
                                            "errors"));
                    for (JsonNode source : found) {
                        table.add(
                                List.of(
                                        source.path("name").asText(),
                                        source.path("kind").asText(),
                                        source.path("state").asText(),
                                        source.path("lag").asText(),
                                        time(source.path("lag_seconds").asLong()),
                                        source.path("events").asText(),
                                        source.path("errors").asText()));
                        reason(source).ifPresent(reasons::add);
                    }
                    text.append(table.print(terminal::bold)).append('\n');
                });
        TextTable table =
                new TextTable(List.of("table", "kind", "state", "rows", "lag", "quarantined"));
        for (JsonNode dataset : datasets) {
            boolean source = dataset.path("kind").asText().equals("source");
            table.add(
                    List.of(
                            dataset.path("name").asText(),
                            dataset.path("kind").asText(),
                            dataset.path("state").asText(),
                            dataset.path("rows").asText(),
                            dataset.path("lag").asText(),
                            source ? "" : dataset.path("quarantined").asText()));
            if (!source || sources.isEmpty()) {
                reason(dataset).ifPresent(reasons::add);
            }
        }
        text.append(table.print(terminal::bold));
        reasons.forEach(reason -> text.append('\n').append(reason));
        return text.toString();
    }

    private static Optional<String> reason(JsonNode node) {
        if (!node.has("reason")) {
            return Optional.empty();
        }
        String since =
                node.has("since") ? " since " + node.path("since").asText().substring(0, 19) : "";
        return Optional.of(
                wrapped(
                        "%s is %s%s: %s"
                                .formatted(
                                        node.path("name").asText(),
                                        node.path("state").asText(),
                                        since,
                                        node.path("reason").asText())));
    }

    /** In lines of a terminal's width; what isn't printable could move its cursor. */
    private static String wrapped(String text) {
        StringBuilder lines = new StringBuilder();
        int column = 0;
        for (String word : text.replaceAll("\\p{Cntrl}", " ").strip().split(" +", -1)) {
            int length = word.codePointCount(0, word.length());
            if (column > 0 && column + 1 + length > WIDTH) {
                lines.append("\n  ");
                column = 2;
            } else if (column > 0) {
                lines.append(' ');
                column++;
            }
            lines.append(word);
            column += length;
        }
        return lines.append('\n').toString();
    }

    private static String time(long seconds) {
        Duration time = Duration.ofSeconds(seconds);
        if (time.toDays() > 0) {
            return "%dd %dh".formatted(time.toDays(), time.toHoursPart());
        }
        if (time.toHours() > 0) {
            return "%dh %dm".formatted(time.toHours(), time.toMinutesPart());
        }
        return time.toMinutes() > 0
                ? "%dm %ds".formatted(time.toMinutes(), time.toSecondsPart())
                : seconds + "s";
    }
}
