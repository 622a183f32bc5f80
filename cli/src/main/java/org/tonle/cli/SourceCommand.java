package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.definition.SourceText;
import org.tonle.lake.SourceTrial;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle source test|pause|resume}. */
@Command(
        name = "source",
        description = "Tries, pauses and resumes what a lake takes in.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nFor example:%n",
        footer = {
            "  tonle source test orders --lake my-lake",
            "  tonle source pause orders --lake my-lake"
        })
final class SourceCommand {
    static final int EVENTS = 100;

    private final Terminal terminal;

    SourceCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Command(
            name = "test",
            description = {
                "Reads a few events of a source and takes none: the first of a folder, the newest"
                        + " of a topic. Of a database it shows the tables.",
                "Shows what they are, why some couldn't be read, and the columns that fit them, to"
                        + " be pasted into the source's file. The lake needn't run."
            },
            mixinStandardHelpOptions = true)
    int test(
            @Option(
                            names = "--lake",
                            paramLabel = "DIR",
                            defaultValue = ".",
                            description = "The lake's folder; the current one if left out.")
                    Path lake,
            @Option(
                            names = "--events",
                            paramLabel = "N",
                            defaultValue = "" + EVENTS,
                            description = "How many at most; ${DEFAULT-VALUE} if left out.")
                    int events,
            @Parameters(paramLabel = "NAME", description = "Of sources/NAME.yaml.") String name)
            throws IOException, InterruptedException {
        if (events < 1 || events > 10_000) {
            throw new Failure(Exit.USAGE, "--events takes 1 to 10000, not " + events);
        }
        LakeDefinition definition = LakeDefinition.load(lake, System.getenv());
        SourceDefinition source =
                definition
                        .source(name)
                        .orElseThrow(() ->
                                new Failure(
                                        Exit.FAILED,
                                        "%s has no source %s; there are %s"
                                                .formatted(
                                                        lake,
                                                        name,
                                                        definition.sources().stream()
                                                                .map(SourceDefinition::name)
                                                                .toList())));
        if (source.kind() instanceof SourceKind.Postgres database) {
            String tables = SourceText.tables(SourceTrial.tables(database));
            terminal.out().write(tables.getBytes(StandardCharsets.UTF_8));
        } else {
            new SampleText(source, SourceTrial.of(source, events)).printTo(terminal);
        }
        return Exit.OK;
    }

    @Command(
            name = "pause",
            description = {
                "Takes nothing from a source until it is resumed, whatever restarts.",
                "Requests are answered with 503; files, topics and databases aren't read. What was"
                        + " taken goes to bronze. A database keeps its log meanwhile."
            },
            mixinStandardHelpOptions = true)
    int pause(
            @Mixin Where where,
            @Parameters(paramLabel = "NAME", description = "Of sources/NAME.yaml.") String name)
            throws IOException {
        return operate(where, name, "pause");
    }

    @Command(
            name = "resume",
            description = {
                "Lets a source go on exactly where it was paused.",
                "One that is failing or retrying is tried at once."
            },
            mixinStandardHelpOptions = true)
    int resume(
            @Mixin Where where,
            @Parameters(paramLabel = "NAME", description = "Of sources/NAME.yaml.") String name)
            throws IOException {
        return operate(where, name, "resume");
    }

    private int operate(Where where, String name, String operation) throws IOException {
        Where.Lake lake = where.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            JsonNode source = client.operate(lake.url(), name, operation);
            String state = source.path("state").asText();
            terminal.out()
                    .write("%s is %s\n".formatted(name, state).getBytes(StandardCharsets.UTF_8));
            return Exit.OK;
        } catch (ConnectException e) {
            throw new Failure(Exit.NOT_RUNNING, "no lake answers at " + lake.url());
        }
    }
}
