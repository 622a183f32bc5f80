package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle policy check}. */
@Command(
        name = "policy",
        description = "Shows what the policy of a running lake does.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nFor example:%n",
        footer = "  tonle policy check --as anna 'SELECT * FROM gold.route'")
final class PolicyCommand {
    private final Terminal terminal;

    PolicyCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Command(
            name = "check",
            description = "Shows what somebody would see of a statement, and why.",
            mixinStandardHelpOptions = true)
    int check(
            @Mixin Where where,
            @Option(
                            names = "--as",
                            paramLabel = "NAME",
                            required = true,
                            description =
                                    "A user of policies/*.yaml, or anybody if a role is named.")
                    String name,
            @Option(
                            names = "--role",
                            paramLabel = "R",
                            description =
                                    "With this role instead of the user's; may be named often.")
                    @Nullable List<String> roles,
            @Parameters(paramLabel = "SQL", description = "One SELECT.") String sql)
            throws IOException {
        Where.Lake lake = where.lake(System.getenv());
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("sql", sql);
        body.put("as", name);
        body.put("roles", roles == null ? List.of() : roles);
        try (LakeClient client = new LakeClient(lake.token())) {
            JsonNode report = client.post(lake.url(), "/api/v1/policy/check", body);
            terminal.out().write(text(report).getBytes(StandardCharsets.UTF_8));
            return Exit.OK;
        } catch (ConnectException e) {
            throw new Failure(Exit.NOT_RUNNING, "no lake answers at " + lake.url());
        }
    }

    private String text(JsonNode report) {
        StringBuilder text = new StringBuilder();
        text.append(report.path("principal").asText())
                .append(" has ")
                .append(list(report.path("roles"), "no role"));
        for (Map.Entry<String, JsonNode> attribute : report.path("attributes").properties()) {
            text.append(
                    "; %s is '%s'".formatted(attribute.getKey(), attribute.getValue().asText()));
        }
        text.append('\n');
        for (JsonNode table : report.path("tables")) {
            text.append('\n').append(terminal.bold(table.path("name").asText())).append('\n');
            if (table.path("columns").isEmpty()) {
                text.append("  isn't shown: no role reads it\n");
                continue;
            }
            text.append("  columns  ").append(list(table.path("columns"), "")).append('\n');
            for (JsonNode grant : table.path("grants")) {
                text.append(
                        "  because  %s reads %s (%s)%n"
                                .formatted(
                                        grant.path("role").asText(),
                                        grant.has("column") ? grant.path("column").asText() : "it",
                                        grant.path("by").asText()));
            }
            for (JsonNode filter : table.path("row_filters")) {
                text.append(
                        "  rows     where %s (%s)%n"
                                .formatted(
                                        filter.path("where").asText(), filter.path("by").asText()));
            }
            for (JsonNode mask : table.path("masks")) {
                text.append(
                        "  mask     %s is %s (%s)%n"
                                .formatted(
                                        mask.path("column").asText(),
                                        mask.path("value").asText(),
                                        mask.path("by").asText()));
            }
        }
        return text.append('\n').append(answer(report)).toString();
    }

    private String answer(JsonNode report) {
        if (report.has("refusal")) {
            return "refused: %s: %s%n"
                    .formatted(
                            report.path("refusal").path("code").asText(),
                            report.path("refusal").path("detail").asText());
        }
        JsonNode rows = report.path("rows");
        if (rows.isEmpty()) {
            return "no rows\n";
        }
        List<String> columns = new ArrayList<>();
        rows.get(0).fieldNames().forEachRemaining(columns::add);
        TextTable table = new TextTable(columns);
        for (JsonNode row : rows) {
            List<String> values = new ArrayList<>();
            for (Iterator<JsonNode> each = row.elements(); each.hasNext(); ) {
                JsonNode value = each.next();
                values.add(value.isNull() ? "" : value.isValueNode() ? value.asText() : "" + value);
            }
            table.add(values);
        }
        return table.print(terminal::bold);
    }

    private static String list(JsonNode texts, String none) {
        List<String> all = new ArrayList<>();
        texts.forEach(text -> all.add(text.asText()));
        return all.isEmpty() ? none : String.join(", ", all);
    }
}
