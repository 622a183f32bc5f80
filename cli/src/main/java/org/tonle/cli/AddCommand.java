package org.tonle.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceText;
import org.tonle.ingest.SourceSample;
import org.tonle.lake.SourceTrial;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle add WHAT}. */
@Command(
        name = "add",
        description = {
            "Adds a source to a lake: reads a few events of it and writes sources/NAME.yaml with"
                    + " the columns that fit them. A file that is there is never overwritten.",
            "What can't be read isn't added. Passwords are named, not written down:"
                    + " '$${env:NAME}' or '$${file:PATH}'."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        footerHeading = "%nFor example:%n",
        footer = {
            "  tonle add ./drop --lake my-lake",
            "  tonle add kafka://localhost:9092/shop.orders --name orders",
            "  tonle add kafka://k1.example:9092/orders --format avro"
                    + " --registry https://registry.example:8081 \\",
            "    --property security.protocol=SASL_SSL --property sasl.mechanism=PLAIN \\",
            "    --property 'sasl.jaas.config=$${env:KAFKA_JAAS}'"
        })
final class AddCommand implements Callable<Integer> {
    private static final Pattern TOPIC = Pattern.compile("kafka://([^/?#]+)/([A-Za-z0-9._-]+)");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Terminal terminal;

    @Parameters(
            paramLabel = "WHAT",
            description = "A folder of files, or kafka://HOST:PORT[,HOST:PORT]/TOPIC.")
    private String what = "";

    @Option(
            names = "--lake",
            paramLabel = "DIR",
            description = "The lake's folder; the current one if left out.")
    private Path lake = Path.of(".");

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "Of the source; like the folder or topic if left out.")
    private @Nullable String name;

    @Option(
            names = "--format",
            paramLabel = "F",
            description = "As the file has it; of a topic json, avro, protobuf or debezium.")
    private @Nullable String format;

    @Option(
            names = "--registry",
            paramLabel = "U",
            description = "Where the schemas of a topic's records are.")
    private @Nullable String registry;

    @Option(
            names = "--registry-user",
            paramLabel = "USER",
            description = "Who asks it, with the password in the variable REGISTRY_PASSWORD.")
    private @Nullable String registryUser;

    @Option(
            names = "--property",
            paramLabel = "K=V",
            description = "Of Kafka's clients, as the file has it; may be named often.")
    private Map<String, String> properties = new LinkedHashMap<>();

    AddCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path folder = lake.toAbsolutePath().normalize();
        LakeDefinition definition = LakeDefinition.load(folder, System.getenv());
        String text = what.contains("://") ? topic() : files(folder);
        String named = name == null ? SourceText.name(last(what)) : name;
        Path file = folder.resolve(SourceText.file(named));
        if (definition.source(named).isPresent() || Files.exists(file)) {
            throw new Failure(
                    Exit.FAILED, file + " is there already; choose another name with --name");
        }
        SourceDefinition source = read(folder, named, text);
        SourceSample sample = SourceTrial.of(source, SourceCommand.EVENTS);
        if (format == null && what.contains("://") && isOfChanges(sample)) {
            text += "format: debezium\n";
            source = read(folder, named, text);
            sample = SourceTrial.of(source, SourceCommand.EVENTS);
        }
        SampleText shown = new SampleText(source, sample);
        shown.printTo(terminal);
        if (sample.read() > 0 && sample.events().isEmpty()) {
            throw new Failure(
                    Exit.FAILED,
                    "nothing of it can be used, so it wasn't added; say what it is with --format"
                            + (what.contains("://")
                                    ? ", and --registry for avro and protobuf"
                                    : ""));
        }
        write(file, text + shown.columns());
        terminal.err()
                .println(
                        """
                        %s is written. Next:
                          look at its columns, and name the field that is the event's id: id: FIELD
                          ./tonle up --lake %s
                          ./tonle query --lake %2$s 'SELECT * FROM bronze.%3$s'\
                        """
                                .formatted(file, InitCommand.quoted(lake.toString()), named));
        return Exit.OK;
    }

    private static SourceDefinition read(Path folder, String name, String text) {
        return SourceText.read(folder, name, text, System.getenv());
    }

    private static String last(String what) {
        return what.replaceFirst("[/\\\\]+$", "").replaceFirst(".*[/\\\\]", "");
    }

    private String topic() {
        Matcher topic = TOPIC.matcher(what);
        if (!topic.matches()) {
            throw new Failure(
                    Exit.USAGE, "write kafka://HOST:PORT/TOPIC, or a folder; not " + shown(what));
        }
        if (topic.group(1).contains("@")) {
            throw new Failure(
                    Exit.USAGE,
                    "a user and a password go into --property 'sasl.jaas.config=${env:NAME}'");
        }
        StringBuilder text = new StringBuilder("kind: kafka\n");
        text.append("topic: ").append(SourceText.quoted(topic.group(2))).append('\n');
        text.append("bootstrap-servers: ").append(SourceText.quoted(topic.group(1))).append('\n');
        if (!properties.isEmpty()) {
            text.append("properties:\n");
            properties.forEach((key, value) ->
                    text.append("  ")
                            .append(SourceText.quoted(key))
                            .append(": ")
                            .append(SourceText.quoted(value))
                            .append('\n'));
        }
        if (format != null) {
            text.append("format: ").append(SourceText.quoted(format)).append('\n');
        }
        if (registry != null) {
            text.append("registry:\n  url: ").append(SourceText.quoted(registry)).append('\n');
            if (registryUser != null) {
                text.append("  user: ").append(SourceText.quoted(registryUser)).append('\n');
                text.append("  password: \"${env:REGISTRY_PASSWORD}\"\n");
            }
        }
        return text.toString();
    }

    /** What stands before an @ may be a password. */
    private static String shown(String address) {
        return address.contains("@")
                ? address.toLowerCase(Locale.ROOT).replaceFirst("//.*@", "//…@")
                : address;
    }

    private String files(Path folder) {
        Path path = Path.of(what).toAbsolutePath().normalize();
        if (!Files.isDirectory(path)) {
            throw new Failure(
                    Exit.FAILED,
                    "there is no folder %s; name a folder, or kafka://HOST:PORT/TOPIC"
                            .formatted(path));
        }
        String written =
                path.startsWith(folder) && !path.equals(folder)
                        ? "./" + folder.relativize(path)
                        : path.toString();
        return "kind: files\npath: "
                + SourceText.quoted(written)
                + "\n"
                + (format == null ? "" : "format: " + SourceText.quoted(format) + "\n");
    }

    /** Whether events look like those that Debezium's connectors write. */
    private static boolean isOfChanges(SourceSample sample) {
        if (sample.events().isEmpty()) {
            return false;
        }
        try {
            JsonNode all = JSON.readTree(sample.events().getFirst());
            JsonNode event = all.has("schema") && all.has("payload") ? all.path("payload") : all;
            return event.path("op").isTextual()
                    && event.path("source").path("connector").isTextual();
        } catch (JsonProcessingException e) {
            return false;
        }
    }

    private static void write(Path file, String text) {
        try {
            Files.createDirectories(file.resolveSibling("."));
            Files.writeString(file, text, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (FileAlreadyExistsException e) {
            throw new Failure(
                    Exit.FAILED, file + " is there already; choose another name with --name");
        } catch (IOException e) {
            throw new Failure(Exit.FAILED, "can't write %s (%s)".formatted(file, e));
        }
    }
}
