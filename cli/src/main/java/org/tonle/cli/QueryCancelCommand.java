package org.tonle.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code tonle query cancel}. */
@Command(
        name = "cancel",
        description = "Ends a query that waits or runs; whoever asked is told CANCELLED.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class QueryCancelCommand implements Callable<Integer> {
    @Mixin private Where where = new Where();

    @Parameters(paramLabel = "ID", description = "As `tonle query list` shows it.")
    private String id = "";

    @Override
    public Integer call() throws IOException {
        Where.Lake lake = where.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            client.cancel(lake.url(), id);
            return Exit.OK;
        }
    }
}
