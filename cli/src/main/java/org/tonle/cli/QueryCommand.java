package org.tonle.cli;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** {@code tonle query}. */
@Command(
        name = "query",
        description = {"Asks a running lake.", "Rows go to stdout, everything else to stderr."},
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        footerHeading = "%nFor example:%n",
        footer = "  tonle query --format csv 'SELECT * FROM gold.route' > route.csv")
final class QueryCommand implements Callable<Integer> {
    /** How rows are written. */
    enum Format {
        TABLE,
        JSON,
        NDJSON,
        CSV
    }

    /** As they are typed. */
    static final class Formats implements ITypeConverter<Format> {
        @Override
        public Format convert(String value) {
            for (Format format : Format.values()) {
                if (format.name().equalsIgnoreCase(value)) {
                    return format;
                }
            }
            throw new TypeConversionException(
                    "'" + value + "' is no format; there are table, json, ndjson and csv");
        }
    }

    private static final int SHOWN = 10_000;

    private final Terminal terminal;

    @Mixin private Where where = new Where();

    @Option(
            names = "--format",
            paramLabel = "F",
            defaultValue = "table",
            converter = Formats.class,
            description =
                    "table, json (an array of objects), ndjson (an object per line) or csv; table"
                            + " if left out.")
    private Format format = Format.TABLE;

    @Parameters(
            paramLabel = "SQL",
            // a subcommand may stand in its place
            arity = "0..1",
            description = "One SELECT; - reads it from stdin.")
    private String sql = "";

    QueryCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        if (sql.isEmpty()) {
            throw new Failure(Exit.USAGE, "say what to ask: tonle query 'SELECT …'");
        }
        Where.Lake lake = where.lake(System.getenv());
        String url = lake.url();
        String statement =
                sql.equals("-")
                        ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
                        : sql;
        try (LakeClient client = new LakeClient(lake.token())) {
            switch (format) {
                case TABLE -> table(client, url, statement);
                case JSON -> client.query(url, statement, "application/json", terminal.out());
                case NDJSON -> client.query(url, statement, "application/x-ndjson", terminal.out());
                case CSV -> client.query(url, statement, "text/csv", terminal.out());
            }
            return Exit.OK;
        } catch (LakeClient.ReaderGone e) {
            return Exit.OK;
        } catch (ConnectException e) {
            throw new Failure(Exit.NOT_RUNNING, "no lake answers at " + url);
        } catch (IOException e) {
            throw new Failure(
                    Exit.FAILED,
                    "the lake broke the answer off (" + e.getMessage() + "); rows are missing");
        }
    }

    private void table(LakeClient client, String url, String statement) throws IOException {
        PipedOutputStream out = new PipedOutputStream();
        try (PipedInputStream in = new PipedInputStream(out, 64 << 10)) {
            CompletableFuture<Void> sent =
                    CompletableFuture.runAsync(
                            () -> {
                                try (out) {
                                    client.query(url, statement, "text/csv", out);
                                } catch (IOException e) {
                                    throw new CompletionException(e);
                                }
                            },
                            Thread::startVirtualThread);
            Csv csv = new Csv(new InputStreamReader(in, StandardCharsets.UTF_8));
            Optional<List<String>> header = csv.next();
            if (header.isPresent()) {
                TextTable table = new TextTable(header.get());
                int rows = 0;
                Optional<List<String>> row = csv.next();
                for (; row.isPresent() && rows < SHOWN; row = csv.next(), rows++) {
                    table.add(row.get());
                }
                boolean more = row.isPresent();
                if (!more) {
                    finish(sent);
                }
                terminal.out().write(table.print(terminal::bold).getBytes(StandardCharsets.UTF_8));
                terminal.err()
                        .println(
                                more
                                        ? "the first %,d rows; --format csv gives all"
                                                .formatted(rows)
                                        : rows == 1 ? "1 row" : "%,d rows".formatted(rows));
            } else {
                finish(sent);
            }
        }
    }

    private static void finish(CompletableFuture<Void> sent) throws IOException {
        try {
            sent.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case IOException io -> throw io;
                case RuntimeException runtime -> throw runtime;
                case null, default -> throw e;
            }
        }
    }
}
