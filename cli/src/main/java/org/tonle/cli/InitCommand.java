package org.tonle.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tonle.definition.LakeDefinition;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code tonle init DIR}. */
@Command(
        name = "init",
        description = {
            "Makes a lake folder that runs.",
            "It has one source, events, that takes any JSON object; one silver and one gold"
                    + " dataset. Files that are there already are never overwritten."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class InitCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Parameters(paramLabel = "DIR", description = "The folder; made if it isn't there.")
    private Path folder = Path.of(".");

    InitCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        Path lake = folder.toAbsolutePath().normalize();
        Map<String, String> files = new LinkedHashMap<>();
        files.put("lake.yaml", text("lake.yaml").replace("NAME", LakeDefinition.nameOf(lake)));
        files.put("sources/events.yaml", text("events.yaml"));
        files.put("pipelines/events.sql", text("events.sql"));
        files.put(".gitignore", ".tonle/\n");
        for (String file : files.keySet()) {
            if (Files.exists(lake.resolve(file)) && !file.equals(".gitignore")) {
                throw new Failure(
                        Exit.FAILED,
                        lake.resolve(file) + " is there already; choose another folder");
            }
        }
        try {
            for (Map.Entry<String, String> file : files.entrySet()) {
                Path path = lake.resolve(file.getKey());
                Files.createDirectories(lake.resolve(file.getKey()).resolveSibling("."));
                if (!Files.exists(path)) {
                    Files.writeString(path, file.getValue());
                }
            }
        } catch (IOException e) {
            throw new Failure(
                    Exit.FAILED,
                    "can't make a lake in %s (%s); choose a folder that may be written to"
                            .formatted(lake, e));
        }
        terminal.err()
                .println(
                        """
                        A lake is defined in %1$s. Next:
                          ./tonle up --lake %2$s
                          curl --oauth2-bearer "$(cat %2$s/.tonle/admin-token)" -H 'content-type: application/json' -d '{"type": "hello"}' http://127.0.0.1:7070/api/v1/ingest/events
                          ./tonle query --lake %2$s 'SELECT * FROM gold.events_by_type'\
                        """
                                .formatted(lake, quoted(folder.toString())));
        return Exit.OK;
    }

    /** As a shell takes it. */
    static String quoted(String argument) {
        return argument.matches("[\\w./~-]+")
                ? argument
                : "'" + argument.replace("'", "'\\''") + "'";
    }

    private static String text(String resource) {
        try (InputStream in = InitCommand.class.getResourceAsStream("init/" + resource)) {
            if (in == null) {
                throw new IllegalStateException(resource + " is missing in the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
