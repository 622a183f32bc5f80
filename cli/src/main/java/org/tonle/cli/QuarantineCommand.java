package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle quarantine}. */
@Command(
        name = "quarantine",
        description = "Shows what the datasets of a running lake refused, and takes it back.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nFor example:%n",
        footer = {
            "  tonle quarantine ls",
            "  tonle quarantine replay silver.orders --where \"rule = 'amount'\" --fix"
                    + " \"REPLACE(payload, 'N/A', '0')\""
        })
final class QuarantineCommand {
    private final Terminal terminal;

    QuarantineCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    /** Asks a lake. */
    private interface Asking {
        JsonNode ask(LakeClient client, String url) throws IOException;
    }

    @Command(
            name = "ls",
            description = "Shows how many rows each rule keeps in quarantine.",
            mixinStandardHelpOptions = true)
    int list(@Mixin Where where) throws IOException {
        return print(
                where,
                (client, url) -> client.get(url, "/api/v1/quarantine"),
                rows -> table(rows, List.of("dataset", "reason", "rule", "rows", "first", "last")));
    }

    @Command(
            name = "show",
            description = "Shows rows that a dataset refused, the newest first.",
            mixinStandardHelpOptions = true)
    int show(
            @Mixin Where where,
            @Option(
                            names = "--where",
                            paramLabel = "SQL",
                            description = "Those for which this is true; all if left out.")
                    @Nullable String condition,
            @Option(
                            names = "--limit",
                            paramLabel = "N",
                            defaultValue = "20",
                            description = "How many at most; ${DEFAULT-VALUE} if left out.")
                    int limit,
            @Parameters(paramLabel = "NAME", description = "As namespace.table.") String name)
            throws IOException {
        String path =
                "/api/v1/quarantine/"
                        + encoded(name)
                        + "?limit="
                        + limit
                        + (condition == null ? "" : "&where=" + encoded(condition));
        return print(
                where,
                (client, url) -> client.get(url, path),
                rows -> table(rows, List.of("key", "ingest_time", "rule", "message", "payload")));
    }

    @Command(
            name = "replay",
            description = {
                "Judges rows again by the dataset as it is declared now.",
                "A row leaves quarantine in the commit in which it enters its table; one that is"
                        + " refused again stays."
            },
            mixinStandardHelpOptions = true)
    int replay(
            @Mixin Where where,
            @Option(
                            names = "--where",
                            paramLabel = "SQL",
                            description =
                                    "Those for which this is true of their row in quarantine; all if"
                                            + " left out.")
                    @Nullable String condition,
            @Option(
                            names = "--fix",
                            paramLabel = "SQL",
                            description =
                                    "What the payload is to be, over the row in quarantine. A later"
                                            + " refresh doesn't know of it.")
                    @Nullable String fix,
            @Parameters(paramLabel = "NAME", description = "As namespace.table.") String name)
            throws IOException {
        Map<String, Object> body = new LinkedHashMap<>();
        if (condition != null) {
            body.put("where", condition);
        }
        if (fix != null) {
            body.put("fix", fix);
        }
        return print(
                where,
                (client, url) ->
                        client.post(url, "/api/v1/quarantine/" + encoded(name) + "/replay", body),
                QuarantineCommand::replayed);
    }

    private static String replayed(JsonNode result) {
        if (result.path("read").asLong() == 0) {
            return "no such row is in quarantine of %s%n"
                    .formatted(result.path("dataset").asText());
        }
        StringBuilder text = new StringBuilder();
        text.append(
                "%,d of %s judged again: %,d entered the table, %,d stay in quarantine"
                        .formatted(
                                result.path("read").asLong(),
                                result.path("dataset").asText(),
                                result.path("written").asLong(),
                                result.path("quarantined").asLong()));
        if (result.path("filtered").asLong() > 0) {
            text.append(", %,d are left out by WHERE".formatted(result.path("filtered").asLong()));
        }
        if (result.path("duplicates").asLong() > 0) {
            text.append(", %,d are there already".formatted(result.path("duplicates").asLong()));
        }
        return text.append('\n').toString();
    }

    private String table(JsonNode rows, List<String> columns) {
        TextTable table = new TextTable(columns);
        for (JsonNode row : rows) {
            List<String> values = new ArrayList<>();
            columns.forEach(column -> values.add(row.path(column).asText()));
            table.add(values);
        }
        return table.print(terminal::bold);
    }

    private int print(Where where, Asking asking, Function<JsonNode, String> text)
            throws IOException {
        Where.Lake lake = where.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            JsonNode answer = asking.ask(client, lake.url());
            terminal.out().write(text.apply(answer).getBytes(StandardCharsets.UTF_8));
            return Exit.OK;
        } catch (ConnectException e) {
            throw new Failure(Exit.NOT_RUNNING, "no lake answers at " + lake.url());
        }
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
