package org.tonle.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code tonle query cancel}. */
@Command(
        name = "cancel",
        description = "Ends a query that waits or runs; whoever asked is told CANCELLED.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class QueryCancelCommand implements Callable<Integer> {
    @ArgGroup(exclusive = true)
    private QueryCommand.Where where = new QueryCommand.Where();

    @Parameters(paramLabel = "ID", description = "As `tonle query list` shows it.")
    private String id = "";

    @Override
    public Integer call() throws IOException {
        try (LakeClient client = new LakeClient()) {
            client.cancel(where.url(), id);
            return Exit.OK;
        }
    }
}
