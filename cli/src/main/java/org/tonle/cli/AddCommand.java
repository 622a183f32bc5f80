package org.tonle.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.ColumnType;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
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
            "  tonle add s3://invoices/2026 --property region=eu-central-1",
            "  PGPASSWORD=… tonle add postgres://lake@db.example:5432/shop",
            "  tonle add kafka://k1.example:9092/orders --format avro"
                    + " --registry https://registry.example:8081 \\",
            "    --property security.protocol=SASL_SSL --property sasl.mechanism=PLAIN \\",
            "    --property 'sasl.jaas.config=$${env:KAFKA_JAAS}'"
        })
final class AddCommand implements Callable<Integer> {
    private static final Pattern TOPIC = Pattern.compile("kafka://([^/?#]+)/([A-Za-z0-9._-]+)");
    private static final Pattern DATABASE =
            Pattern.compile(
                    "postgres(?:ql)?://([^:@/?#]+)@([^:@/?#]+)(?::([0-9]{1,5}))?/([^/?#]+)");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Terminal terminal;

    @Parameters(
            paramLabel = "WHAT",
            description =
                    "A folder of files, s3://BUCKET/PREFIX, kafka://HOST:PORT[,HOST:PORT]/TOPIC,"
                            + " or postgres://USER@HOST:PORT/DATABASE.")
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
            names = "--password",
            paramLabel = "REF",
            description =
                    "Of a database's user, as '$${env:NAME}' or '$${file:PATH}'; if left out that"
                            + " in the variable PGPASSWORD, if there is one.")
    private @Nullable String password;

    @Option(
            names = "--property",
            paramLabel = "K=V",
            description =
                    "Of Kafka's clients or the database's, as the file has it, or of a bucket its"
                            + " endpoint, region, access-key, secret-key, path-style; may be named"
                            + " often.")
    private Map<String, String> properties = new LinkedHashMap<>();

    AddCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path folder = lake.toAbsolutePath().normalize();
        LakeDefinition definition = LakeDefinition.load(folder, System.getenv());
        String text =
                isDatabase()
                        ? database()
                        : isBucket() ? bucket() : what.contains("://") ? topic() : files(folder);
        String named = name == null ? SourceText.name(last(what)) : name;
        Path file = folder.resolve(SourceText.file(named));
        if (definition.source(named).isPresent() || Files.exists(file)) {
            throw new Failure(
                    Exit.FAILED, file + " is there already; choose another name with --name");
        }
        text = isDatabase() ? withTables(folder, named, text) : withColumns(folder, named, text);
        write(file, text);
        String next =
                isDatabase()
                        ? "leave the tables in it that the lake is to have"
                        : "look at its columns, and name the field that is the event's id: id: FIELD";
        String question = isDatabase() ? "SHOW TABLES" : "SELECT * FROM bronze." + named;
        terminal.err()
                .println(
                        """
                        %s is written. Next:
                          %s
                          ./tonle up --lake %s
                          ./tonle query --lake %3$s '%s'\
                        """
                                .formatted(
                                        file, next, InitCommand.quoted(lake.toString()), question));
        return Exit.OK;
    }

    private String withColumns(Path folder, String named, String text)
            throws IOException, InterruptedException {
        String kind = text;
        SourceDefinition source = read(folder, named, kind);
        SourceSample sample = SourceTrial.of(source, SourceCommand.EVENTS);
        Optional<String> seen = format == null ? formatOf(sample) : Optional.empty();
        if (seen.isPresent()) {
            kind += "format: " + seen.get() + "\n";
            source = read(folder, named, kind);
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
        return kind + shown.columns();
    }

    private String withTables(Path folder, String named, String text) throws IOException {
        SourceDefinition source = read(folder, named, text + "tables: {any: {}}\n");
        if (!(source.kind() instanceof SourceKind.Postgres database)) {
            throw new IllegalStateException(text);
        }
        Map<String, Map<String, ColumnType>> tables = SourceTrial.tables(database);
        if (tables.isEmpty()) {
            throw new Failure(
                    Exit.FAILED,
                    "%s has no tables that %s may read; grant SELECT on them"
                            .formatted(database.database(), database.user()));
        }
        String all = SourceText.tables(tables);
        terminal.out().write(all.getBytes(StandardCharsets.UTF_8));
        var unused = read(folder, named, text + all);
        return text + all;
    }

    private boolean isDatabase() {
        return what.startsWith("postgres://") || what.startsWith("postgresql://");
    }

    private String database() {
        Matcher database = DATABASE.matcher(what);
        if (!database.matches()) {
            throw new Failure(
                    Exit.USAGE,
                    "write postgres://USER@HOST:PORT/DATABASE, and its password into the variable"
                            + " PGPASSWORD; not "
                            + shown(what));
        }
        StringBuilder text = new StringBuilder("kind: postgres\n");
        text.append("host: ").append(SourceText.quoted(database.group(2))).append('\n');
        if (database.group(3) != null) {
            text.append("port: ").append(database.group(3)).append('\n');
        }
        text.append("database: ").append(SourceText.quoted(database.group(4))).append('\n');
        text.append("user: ").append(SourceText.quoted(database.group(1))).append('\n');
        if (password != null) {
            text.append("password: ").append(SourceText.quoted(password)).append('\n');
        } else if (System.getenv("PGPASSWORD") != null) {
            text.append("password: \"${env:PGPASSWORD}\"\n");
        }
        return text.append(properties()).toString();
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
                    Exit.USAGE,
                    "write kafka://HOST:PORT/TOPIC, s3://BUCKET/PREFIX, postgres://USER@HOST:PORT/DATABASE or a folder; not "
                            + shown(what));
        }
        if (topic.group(1).contains("@")) {
            throw new Failure(
                    Exit.USAGE,
                    "a user and a password go into --property 'sasl.jaas.config=${env:NAME}'");
        }
        StringBuilder text = new StringBuilder("kind: kafka\n");
        text.append("topic: ").append(SourceText.quoted(topic.group(2))).append('\n');
        text.append("bootstrap-servers: ").append(SourceText.quoted(topic.group(1))).append('\n');
        text.append(properties());
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

    private String properties() {
        StringBuilder text = new StringBuilder(properties.isEmpty() ? "" : "properties:\n");
        properties.forEach((key, value) ->
                text.append("  ")
                        .append(SourceText.quoted(key))
                        .append(": ")
                        .append(SourceText.quoted(value))
                        .append('\n'));
        return text.toString();
    }

    /** What stands before an @ may be a password. */
    private static String shown(String address) {
        return address.contains("@")
                ? address.toLowerCase(Locale.ROOT).replaceFirst("//.*@", "//…@")
                : address;
    }

    private boolean isBucket() {
        return what.startsWith("s3://");
    }

    private String bucket() {
        StringBuilder text = new StringBuilder("kind: files\n");
        text.append("path: ").append(SourceText.quoted(what)).append('\n');
        properties.forEach((key, value) ->
                text.append(SourceText.quoted(key))
                        .append(": ")
                        .append(
                                value.equals("true") || value.equals("false")
                                        ? value
                                        : SourceText.quoted(value))
                        .append('\n'));
        return text + (format == null ? "" : "format: " + SourceText.quoted(format) + "\n");
    }

    private String files(Path folder) {
        Path path = Path.of(what).toAbsolutePath().normalize();
        if (!Files.isDirectory(path)) {
            throw new Failure(
                    Exit.FAILED,
                    "there is no folder %s; name a folder, s3://BUCKET/PREFIX, kafka://HOST:PORT/TOPIC or postgres://USER@HOST:PORT/DATABASE"
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

    /** What can be seen in events: changes of Debezium's connectors, or files kept as they are. */
    private Optional<String> formatOf(SourceSample sample) {
        boolean topic = what.contains("://") && !isBucket();
        if (sample.events().isEmpty()) {
            return Optional.empty();
        }
        try {
            boolean changes = topic;
            boolean objects = !topic && sample.problems().isEmpty();
            for (String event : sample.events()) {
                JsonNode json = JSON.readTree(event);
                changes &= isChange(json);
                objects &= json.has("media_type") && json.has("sha256") && json.has("location");
            }
            return changes
                    ? Optional.of("debezium")
                    : objects ? Optional.of("object") : Optional.empty();
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    private static boolean isChange(JsonNode all) {
        JsonNode event = all.has("schema") && all.has("payload") ? all.path("payload") : all;
        return event.path("op").isTextual() && event.path("source").path("connector").isTextual();
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
