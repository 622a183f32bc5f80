package org.tonle.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.SourceDefinition;
import org.tonle.lake.SourceTrial;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle source test}. */
@Command(
        name = "source",
        description = "Tries what a lake reads.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nFor example:%n",
        footer = "  tonle source test orders --lake my-lake")
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
                        + " of a topic.",
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
        new SampleText(source, SourceTrial.of(source, events)).printTo(terminal);
        return Exit.OK;
    }
}
