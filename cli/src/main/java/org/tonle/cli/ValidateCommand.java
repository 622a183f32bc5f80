package org.tonle.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.LakeDefinition;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Policies;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle validate [DIR | --lake DIR]}. */
@Command(
        name = "validate",
        description = {
            "Checks a lake folder without starting it.",
            "Every problem is listed on stderr as file:line:column, and the exit status is 3.",
            "What may be meant all the same is listed there as a warning."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class ValidateCommand implements Callable<Integer> {
    private final Terminal terminal;

    /** Which folder, said in one of two ways. */
    @ArgGroup private Folder folder = new Folder();

    private static final class Folder {
        @Parameters(
                paramLabel = "DIR",
                arity = "0..1",
                description = "The lake folder; the current one if left out.")
        private @Nullable Path first;

        @Option(
                names = "--lake",
                paramLabel = "DIR",
                description = "The same, as other commands take it.")
        private @Nullable Path lake;

        Path path() {
            Path named = first != null ? first : lake;
            return named != null ? named : Path.of(".");
        }
    }

    ValidateCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws Exception {
        LakeDefinition definition =
                LakeDefinition.load(folder.path(), System.getenv(), Pipelines::problems);
        Pipelines pipelines = Pipelines.of(definition);
        Policies.of(definition.policy(), pipelines)
                .warnings(pipelines)
                .forEach(warning -> terminal.err().println(warning.toWarning()));
        terminal.out()
                .write(
                        "%s is valid: %s, %s%n"
                                .formatted(
                                        definition.name(),
                                        count(definition.sources().size(), "source"),
                                        count(pipelines.datasets().size(), "dataset"))
                                .getBytes(StandardCharsets.UTF_8));
        return Exit.OK;
    }

    private static String count(int n, String what) {
        return n + " " + what + (n == 1 ? "" : "s");
    }
}
