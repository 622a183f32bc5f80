package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code tonle query list}. */
@Command(
        name = "list",
        description = "Shows the queries that wait or run.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class QueryListCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Mixin private Where where = new Where();

    QueryListCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Where.Lake lake = where.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            TextTable table = new TextTable(List.of("id", "principal", "since", "sql"));
            for (JsonNode query : client.queries(lake.url())) {
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
