package org.tonle.cli;

import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
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
                case TABLE -> new AnswerTable(terminal).print(client, url, statement);
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
}
