package org.tonle.cli;

import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code tonle maintenance}. */
@Command(
        name = "maintenance",
        description = {
            "Shows what a running lake did by itself to keep its tables in order, and what that"
                    + " saved.",
            "How often files of a table were rewritten, how many and how large they were and have"
                    + " become, and deleted rows that weren't copied. One by one they stand in"
                    + " system.maintenance. Files that nothing reaches any more stand in"
                    + " system.marked_files until they go."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class MaintenanceCommand implements Callable<Integer> {
    private static final String DONE =
            """
            SELECT COALESCE(namespace || '.' || table_name, 'all tables') AS "table", action, COUNT(*) AS runs,
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

    @Command(
            name = "keep",
            description = {
                "Keeps files that are to go because nothing reaches them, until they are released.",
                "Those that are to go stand in system.marked_files."
            },
            mixinStandardHelpOptions = true)
    int keep(
            @Mixin Where files,
            @Parameters(
                            paramLabel = "PREFIX",
                            description = "With which the paths of the files begin.")
                    String prefix)
            throws IOException {
        return say(files, prefix, true);
    }

    @Command(
            name = "release",
            description = {
                "Lets files go that were kept; they stay for as long again as if they had just been"
                        + " found.",
            },
            mixinStandardHelpOptions = true)
    int release(
            @Mixin Where files,
            @Parameters(
                            paramLabel = "PREFIX",
                            description = "With which the paths of the files begin.")
                    String prefix)
            throws IOException {
        return say(files, prefix, false);
    }

    private int say(Where files, String prefix, boolean kept) throws IOException {
        Where.Lake lake = files.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            terminal.out()
                    .write(
                            "%d files %s\n"
                                    .formatted(
                                            client.keep(lake.url(), prefix, kept),
                                            kept ? "are kept" : "may go")
                                    .getBytes(StandardCharsets.UTF_8));
            return Exit.OK;
        } catch (ConnectException e) {
            throw new Failure(Exit.NOT_RUNNING, "no lake answers at " + lake.url());
        }
    }
}
