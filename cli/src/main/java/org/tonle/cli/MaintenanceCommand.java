package org.tonle.cli;

import java.io.IOException;
import java.net.ConnectException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code tonle maintenance}. */
@Command(
        name = "maintenance",
        description = {
            "Shows what a running lake did by itself to keep its tables in order, and what that"
                    + " saved.",
            "How often files of a table were rewritten, how many and how large they were and have"
                    + " become, and deleted rows that weren't copied. One by one they stand in"
                    + " system.maintenance."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class MaintenanceCommand implements Callable<Integer> {
    private static final String DONE =
            """
            SELECT namespace || '.' || table_name AS "table", action, COUNT(*) AS runs,
              SUM(files_before) AS files, SUM(files_after) AS became,
              SUM(bytes_before) AS bytes, SUM(bytes_before - bytes_after) AS saved,
              SUM(folded_rows) AS "rows folded", SUM(milliseconds) AS ms,
              MAX(committed_at) AS last
            FROM system.maintenance GROUP BY namespace, table_name, action
            ORDER BY namespace, table_name, action
            """;

    private final Terminal terminal;

    @Mixin private Where where = new Where();

    MaintenanceCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Where.Lake lake = where.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            new AnswerTable(terminal).print(client, lake.url(), DONE);
            return Exit.OK;
        } catch (ConnectException e) {
            throw new Failure(Exit.NOT_RUNNING, "no lake answers at " + lake.url());
        }
    }
}
