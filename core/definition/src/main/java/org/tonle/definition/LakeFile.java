package org.tonle.definition;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.nodes.MappingNode;

/** Reads {@code lake.yaml}. */
final class LakeFile {
    static final String NAME = "lake.yaml";
    static final EngineDefinition DEFAULT_ENGINE =
            new EngineDefinition(1L << 30, Runtime.getRuntime().availableProcessors());
    static final IngestDefinition DEFAULT_INGEST =
            new IngestDefinition(Duration.ofSeconds(5), 64L << 20);
    static final QueryDefinition DEFAULT_QUERY =
            new QueryDefinition(
                    64L << 20,
                    8,
                    256,
                    Duration.ofSeconds(10),
                    new QueryDefinition.Limits(
                            6, Duration.ofMinutes(5), 100_000_000, 10L << 30, OptionalLong.empty()),
                    Map.of());
    static final AuditDefinition DEFAULT_AUDIT = new AuditDefinition(Duration.ofDays(90));
    static final MaintenanceDefinition DEFAULT_MAINTENANCE =
            new MaintenanceDefinition(
                    Duration.ofDays(7),
                    Duration.ofDays(30),
                    Duration.ofDays(1),
                    Duration.ofHours(6),
                    Map.of(
                            "bronze", Duration.ofDays(7 * 365),
                            "silver", Duration.ofDays(3 * 365),
                            "gold", Duration.ofDays(365)));
    static final Duration DEFAULT_REFRESH = Duration.ofSeconds(10);

    private static final List<String> KEYS =
            List.of(
                    "name",
                    "storage",
                    "event-log",
                    "ledger",
                    "engine",
                    "ingest",
                    "query",
                    "audit",
                    "maintenance",
                    "lineage",
                    "refresh-interval");
    private static final List<String> LIMITS =
            List.of("concurrent", "timeout", "max-rows", "max-bytes", "memory");
    private static final String FOR_EVER = "forever";
    private static final Duration LONGEST_AUDIT = Duration.ofDays(36_500);
    private static final long LEAST_MEMORY = 64L << 20;

    // it becomes part of topic names
    private static final Pattern LAKE_NAME = Pattern.compile("[a-z][a-z0-9_-]{0,62}");

    private final Path folder;
    private final References references;
    private final Problems problems;
    private final Section top;
    private final EngineDefinition engine;

    LakeFile(Path folder, MappingNode mapping, References references, Problems problems) {
        this.folder = folder;
        this.references = references;
        this.problems = problems;
        this.top = new Section(NAME, mapping, problems, KEYS);
        this.engine = readEngine();
    }

    String name() {
        Optional<Section.Scalar> name = top.scalar("name");
        name.filter(n -> !LAKE_NAME.matcher(n.text()).matches())
                .ifPresent(n ->
                        problems.add(
                                n.place(),
                                n.text(),
                                "a lake's name is made of a-z, 0-9, _ and -, starts with"
                                        + " a letter and has at most 63 characters"));
        return name.map(Section.Scalar::text).orElseGet(() -> nameOf(folder));
    }

    /** A name made from the folder's, for a lake that doesn't say its own. */
    static String nameOf(Path folder) {
        String last = folder.getFileName() == null ? "" : folder.getFileName().toString();
        String name = last.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_-]+", "-");
        name = name.matches("[a-z].*") ? name : "lake-" + name;
        return name.substring(0, Math.min(63, name.length()));
    }

    StorageDefinition storage() {
        return new StorageSection(folder, references, problems).read(top);
    }

    EventLogDefinition eventLog() {
        Optional<Section> section =
                top.section("event-log", List.of("bootstrap-servers", "properties"));
        if (section.isEmpty()) {
            return new EventLogDefinition.Embedded();
        }
        if (!section.get().has("bootstrap-servers")) {
            problems.add(
                    top.placeOf("event-log"),
                    "event-log",
                    "add bootstrap-servers: host:9092, or remove the key for the embedded log");
        }
        return new ClusterSection(references, problems).read(section.get());
    }

    LedgerDefinition ledger() {
        Optional<Section> section = top.section("ledger", List.of("url", "user", "password"));
        if (section.isEmpty()) {
            return new LedgerDefinition.Embedded();
        }
        Optional<Section.Scalar> url = section.get().scalar("url");
        Optional<Section.Scalar> user = section.get().scalar("user");
        Optional<Section.Scalar> password = section.get().scalar("password");
        if (!section.get().has("url")) {
            problems.add(
                    top.placeOf("ledger"),
                    "ledger",
                    "add url: jdbc:postgresql://host:5432/database, or remove the key for the"
                            + " embedded ledger");
        }
        if (!section.get().has("user")) {
            problems.add(top.placeOf("ledger"), "ledger", "add user: the database user");
        }
        String resolved = url.map(references::resolve).orElse("");
        url.filter(u -> !resolved.startsWith("jdbc:postgresql://"))
                .ifPresent(u ->
                        problems.add(
                                u.place(),
                                u.text(),
                                "the ledger is a PostgreSQL; write"
                                        + " jdbc:postgresql://host:5432/database"));
        url.filter(u -> u.text().toLowerCase(Locale.ROOT).contains("password="))
                .ifPresent(u ->
                        problems.add(
                                u.place(),
                                "",
                                "take the password out of the url; write password:"
                                        + " ${env:NAME} beside it"));
        password.ifPresent(p -> references.requireIn("password", p));
        return new LedgerDefinition.Postgres(
                resolved,
                user.map(references::resolve).orElse(""),
                password.map(references::resolve).map(Secret::new));
    }

    EngineDefinition engine() {
        return engine;
    }

    private EngineDefinition readEngine() {
        return top.section("engine", List.of("memory", "threads"))
                .map(s ->
                        new EngineDefinition(
                                s.bytes(
                                        "memory",
                                        DEFAULT_ENGINE.memoryBytes(),
                                        128L << 20,
                                        1L << 44),
                                s.count("threads", DEFAULT_ENGINE.threads(), 1024)))
                .orElse(DEFAULT_ENGINE);
    }

    IngestDefinition ingest() {
        return top.section("ingest", List.of("commit-interval", "commit-size"))
                .map(s ->
                        new IngestDefinition(
                                s.duration("commit-interval", DEFAULT_INGEST.commitInterval()),
                                s.bytes(
                                        "commit-size",
                                        DEFAULT_INGEST.commitSizeBytes(),
                                        1L << 10,
                                        1L << 30)))
                .orElse(DEFAULT_INGEST);
    }

    QueryDefinition query(Set<String> knownRoles) {
        return top.section(
                        "query",
                        List.of("cache", "concurrent", "queue", "queue-time", "each", "roles"))
                .map(s -> {
                    QueryDefinition.Limits each =
                            s.section("each", LIMITS)
                                    .map(own -> limits(own, DEFAULT_QUERY.everybody()))
                                    .orElse(DEFAULT_QUERY.everybody());
                    return new QueryDefinition(
                            s.bytes("cache", DEFAULT_QUERY.cacheBytes(), 0, 1L << 40),
                            s.count("concurrent", DEFAULT_QUERY.concurrent(), 1000),
                            s.count("queue", DEFAULT_QUERY.waiting(), 100_000),
                            s.duration("queue-time", DEFAULT_QUERY.queueTime()),
                            each,
                            s.section("roles")
                                    .map(roles -> roles(roles, knownRoles, each))
                                    .orElse(Map.of()));
                })
                .orElse(DEFAULT_QUERY);
    }

    private Map<String, QueryDefinition.Limits> roles(
            Section roles, Set<String> known, QueryDefinition.Limits otherwise) {
        Map<String, QueryDefinition.Limits> found = new TreeMap<>();
        for (String role : roles.entries().keySet()) {
            if (!known.contains(role)) {
                problems.add(
                        roles.placeOf(role), role, "unknown role; " + Nearest.hint(role, known));
            }
            roles.section(role, LIMITS).ifPresent(own -> found.put(role, limits(own, otherwise)));
        }
        return found;
    }

    private QueryDefinition.Limits limits(Section own, QueryDefinition.Limits otherwise) {
        return new QueryDefinition.Limits(
                own.count("concurrent", otherwise.concurrent(), 1000),
                own.duration("timeout", otherwise.timeout()),
                own.count("max-rows", (int) otherwise.maxRows(), 999_999_999),
                own.bytes("max-bytes", otherwise.maxBytes(), 1, 1L << 40),
                own.has("memory")
                        ? OptionalLong.of(
                                own.bytes(
                                        "memory",
                                        LEAST_MEMORY,
                                        LEAST_MEMORY,
                                        engine.memoryBytes() / 2))
                        : otherwise.memoryBytes());
    }

    AuditDefinition audit() {
        Duration retention =
                top.section("audit", List.of("retention"))
                        .map(s -> s.duration("retention", DEFAULT_AUDIT.retention()))
                        .orElse(DEFAULT_AUDIT.retention());
        if (retention.compareTo(LONGEST_AUDIT) > 0) {
            problems.add(
                    top.placeOf("audit"),
                    "audit",
                    "retention takes at most " + LONGEST_AUDIT.toDays() + "d");
            return DEFAULT_AUDIT;
        }
        return new AuditDefinition(retention);
    }

    /**
     * @param query whose longest query the time of grace must outlast
     */
    MaintenanceDefinition maintenance(QueryDefinition query) {
        Optional<Section> section =
                top.section(
                        "maintenance",
                        List.of("history", "slow-readers", "grace", "interval", "rows"));
        MaintenanceDefinition read =
                section.map(s ->
                                new MaintenanceDefinition(
                                        s.duration("history", DEFAULT_MAINTENANCE.history()),
                                        s.duration(
                                                "slow-readers", DEFAULT_MAINTENANCE.slowReaders()),
                                        s.duration("grace", DEFAULT_MAINTENANCE.grace()),
                                        s.duration("interval", DEFAULT_MAINTENANCE.interval()),
                                        s.section("rows")
                                                .map(this::rows)
                                                .orElse(DEFAULT_MAINTENANCE.rows())))
                        .orElse(DEFAULT_MAINTENANCE);
        Duration longest =
                Stream.concat(Stream.of(query.everybody()), query.roles().values().stream())
                        .map(QueryDefinition.Limits::timeout)
                        .max(Comparator.naturalOrder())
                        .orElseThrow();
        if (read.grace().compareTo(longest) <= 0) {
            problems.add(
                    section.map(s -> s.placeOf("grace")).orElse(top.placeOf("query")),
                    "",
                    "a query may take "
                            + longest.toSeconds()
                            + "s (timeout) and reads files that are to go meanwhile: grace in maintenance takes more than that");
        }
        return read;
    }

    /** Those that are named here, over what is so by itself. */
    private Map<String, Duration> rows(Section section) {
        Map<String, Duration> rows = new TreeMap<>(DEFAULT_MAINTENANCE.rows());
        for (String namespace : section.entries().keySet()) {
            if (section.scalar(namespace)
                    .filter(text -> text.text().equals(FOR_EVER))
                    .isPresent()) {
                rows.remove(namespace);
            } else {
                Duration kept = section.duration(namespace, LONGEST_AUDIT);
                if (kept.compareTo(MaintenanceDefinition.LEAST_ROWS) < 0) {
                    problems.add(
                            section.placeOf(namespace),
                            namespace,
                            "rows stay at least "
                                    + MaintenanceDefinition.LEAST_ROWS.toDays()
                                    + "d, for so long a repeated event is known by the first");
                }
                rows.put(namespace, kept);
            }
        }
        return rows;
    }

    Optional<LineageDefinition> lineage() {
        Optional<Section> section = top.section("lineage", List.of("file", "url", "api-key"));
        if (section.isEmpty()) {
            return Optional.empty();
        }
        Optional<Section.Scalar> file = section.get().scalar("file");
        Optional<Section.Scalar> url = section.get().scalar("url");
        Optional<Section.Scalar> key = section.get().scalar("api-key");
        if (section.get().has("file") == section.get().has("url")) {
            problems.add(
                    top.placeOf("lineage"),
                    "lineage",
                    "write either file: PATH or url: https://host/api/v1/lineage");
            return Optional.empty();
        }
        key.ifPresent(k -> references.requireIn("api-key", k));
        if (url.isPresent()) {
            return httpUrl(url.get())
                    .map(to ->
                            new LineageDefinition.Http(
                                    to, key.map(references::resolve).map(Secret::new)));
        }
        key.ifPresent(k -> problems.add(k.place(), "", "only a url takes an api-key"));
        return file.flatMap(this::lineageFile);
    }

    private Optional<LineageDefinition> lineageFile(Section.Scalar file) {
        try {
            return Optional.of(
                    new LineageDefinition.File(
                            folder.resolve(references.resolve(file)).normalize()));
        } catch (InvalidPathException e) {
            problems.add(file.place(), file.text(), "not a file's path (" + e.getReason() + ")");
            return Optional.empty();
        }
    }

    private Optional<URI> httpUrl(Section.Scalar scalar) {
        try {
            URI url = new URI(references.resolve(scalar));
            if (List.of("http", "https").contains(String.valueOf(url.getScheme()))
                    && url.getHost() != null
                    && url.getUserInfo() == null) {
                return Optional.of(url);
            }
        } catch (URISyntaxException e) {
            // it is said below what to write; its own text might repeat a password
        }
        problems.add(
                scalar.place(),
                scalar.text().contains("@") ? "" : scalar.text(),
                "write a URL like https://host/api/v1/lineage, without a password in it: that"
                        + " goes to api-key: ${env:NAME}");
        return Optional.empty();
    }

    Duration refreshInterval() {
        return top.duration("refresh-interval", DEFAULT_REFRESH);
    }
}
