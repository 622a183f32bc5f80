package org.tonle.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.tonle.definition.LakeDefinition;
import org.tonle.sql.Pipelines;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code tonle validate [DIR]}. */
@Command(
        name = "validate",
        description = {
            "Checks a lake folder without starting it.",
            "Every problem is listed on stderr as file:line:column, and the exit status is 3."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class ValidateCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Parameters(
            paramLabel = "DIR",
            arity = "0..1",
            defaultValue = ".",
            description = "The lake folder; the current one if left out.")
    private Path folder = Path.of(".");

    ValidateCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws Exception {
        LakeDefinition definition = CheckedLake.load(folder);
        int datasets = Pipelines.of(definition).datasets().size();
        terminal.out()
                .write(
                        "%s is valid: %s, %s%n"
                                .formatted(
                                        definition.name(),
                                        count(definition.sources().size(), "source"),
                                        count(datasets, "dataset"))
                                .getBytes(StandardCharsets.UTF_8));
        return Exit.OK;
    }

    private static String count(int n, String what) {
        return n + " " + what + (n == 1 ? "" : "s");
    }
}
