package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;

/** {@code tonle query list}. */
@Command(
        name = "list",
        description = "Shows the queries that wait or run.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class QueryListCommand implements Callable<Integer> {
    private final Terminal terminal;

    @ArgGroup(exclusive = true)
    private QueryCommand.Where where = new QueryCommand.Where();

    QueryListCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        try (LakeClient client = new LakeClient()) {
            TextTable table = new TextTable(List.of("id", "principal", "since", "sql"));
            for (JsonNode query : client.queries(where.url())) {
                table.add(
                        List.of(
                                query.path("id").asText(),
                                query.path("principal").asText(),
                                query.path("since").asText(),
                                query.path("sql").asText()));
            }
            terminal.out().write(table.print(terminal::bold).getBytes(StandardCharsets.UTF_8));
            return Exit.OK;
        }
    }
}
