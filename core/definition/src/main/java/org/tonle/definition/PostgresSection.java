package org.tonle.definition;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.nodes.MappingNode;

/** Reads a source that is a PostgreSQL database. */
final class PostgresSection {
    static final List<String> KEYS =
            List.of(
                    "kind",
                    "retention",
                    "drift",
                    "host",
                    "port",
                    "database",
                    "user",
                    "password",
                    "properties",
                    "slot",
                    "publication",
                    "wal-alarm",
                    "tables");

    /** What PostgreSQL allows in a slot's name; for a publication's it is enough. */
    private static final Pattern SLOT = Pattern.compile("[a-z0-9_]{1,63}");

    private static final Pattern TABLE_NAME = Pattern.compile("[a-z][a-z0-9_]{0,127}");
    private static final Pattern SECRET_KEY = Pattern.compile(".*(password|secret|token).*");
    private static final String PUBLIC = "public";

    private final SourceFile source;
    private final References references;
    private final Problems problems;

    PostgresSection(SourceFile source, References references, Problems problems) {
        this.source = source;
        this.references = references;
        this.problems = problems;
    }

    SourceDefinition read(String name, MappingNode mapping) {
        Section section = new Section(source.file(), mapping, problems, KEYS);
        Optional<Section.Scalar> password = section.scalar("password");
        password.ifPresent(p -> references.requireIn("password", p));
        DriftPolicy drift = SourceFile.drift(section);
        return new SourceDefinition(
                name,
                YamlFile.place(source.file(), mapping),
                ChangeColumns.ID,
                Optional.of(ChangeColumns.TIME),
                Optional.empty(),
                List.of(),
                1,
                section.duration("retention", SourceDefinition.DEFAULT_RETENTION),
                new SourceKind.Postgres(
                        required(section, "host", "the server's name"),
                        section.count("port", SourceKind.Postgres.DEFAULT_PORT, 65_535),
                        required(section, "database", "its name on the server"),
                        required(section, "user", "the database user"),
                        password.map(references::resolve).map(Secret::new),
                        properties(section),
                        identifier(section, "slot", name),
                        identifier(section, "publication", name),
                        section.bytes(
                                "wal-alarm",
                                SourceKind.Postgres.DEFAULT_WAL_ALARM_BYTES,
                                1L << 20,
                                1L << 50),
                        tables(section, name, drift)),
                drift);
    }

    private String required(Section section, String key, String what) {
        if (!section.has(key)) {
            problems.add(
                    Place.startOf(source.file()),
                    "",
                    key + " is missing; write " + key + ": " + what);
        }
        return section.scalar(key).map(references::resolve).orElse("");
    }

    private Map<String, String> properties(Section section) {
        Map<String, String> properties = new TreeMap<>();
        Optional<Section> nested = section.section("properties");
        if (nested.isPresent()) {
            for (String key : nested.get().entries().keySet()) {
                Optional<Section.Scalar> scalar = nested.get().scalar(key);
                if (key.equals("user") || key.equals("password")) {
                    problems.add(nested.get().placeOf(key), key, "write it above, as " + key);
                } else if (SECRET_KEY.matcher(key.toLowerCase(Locale.ROOT)).matches()) {
                    scalar.ifPresent(s -> references.requireIn(key, s));
                }
                scalar.map(references::resolve).ifPresent(value -> properties.put(key, value));
            }
        }
        return properties;
    }

    private String identifier(Section section, String key, String name) {
        String otherwise = "tonle_" + name.substring(0, Math.min(name.length(), 57));
        Optional<Section.Scalar> scalar = section.scalar(key);
        scalar.filter(s -> !SLOT.matcher(s.text()).matches())
                .ifPresent(s ->
                        problems.add(
                                s.place(),
                                s.text(),
                                key + " takes 1 to 63 of a-z, 0-9 and _, like " + otherwise));
        return scalar.map(Section.Scalar::text).orElse(otherwise);
    }

    private List<BronzeDefinition> tables(Section section, String name, DriftPolicy policy) {
        Optional<Section> tables = section.section("tables");
        if (!section.has("tables") || tables.filter(t -> t.entries().isEmpty()).isPresent()) {
            problems.add(
                    Place.startOf(source.file()),
                    "",
                    "tables is missing; write tables: {customers: {id: bigint, name: string}}");
        }
        Drift drift = new Drift(policy, ChangeColumns.UNDER, Set.of());
        Map<String, BronzeDefinition> read = new LinkedHashMap<>();
        for (String key : tables.map(t -> t.entries().keySet()).orElse(Set.of())) {
            Place place = tables.orElseThrow().placeOf(key);
            Optional<String> outside = outside(key);
            if (outside.isEmpty()) {
                problems.add(place, key, "a table is written name, or schema.name");
                continue;
            }
            String bronze = bronze(name, outside.get());
            if (!TABLE_NAME.matcher(bronze).matches()) {
                problems.add(place, key, "its name in bronze, " + bronze + ", is too long");
            }
            BronzeDefinition before = read.get(bronze);
            if (before != null) {
                problems.add(
                        place,
                        key,
                        "becomes bronze."
                                + bronze
                                + ", which "
                                + before.outside().orElseThrow()
                                + " is already; read one of them by another source");
            }
            List<ColumnDefinition> columns =
                    tables.orElseThrow()
                            .section(key)
                            .map(s -> source.columns(s, ChangeColumns::path, ChangeColumns.NAMES))
                            .orElse(List.of());
            read.put(
                    bronze,
                    new BronzeDefinition(
                            bronze,
                            outside,
                            ChangeColumns.behind(columns, place),
                            Optional.empty(),
                            drift));
        }
        return List.copyOf(read.values());
    }

    /** {@code schema.table}. */
    private static Optional<String> outside(String key) {
        int dot = key.indexOf('.');
        if (dot < 0) {
            return key.isBlank() ? Optional.empty() : Optional.of(PUBLIC + "." + key);
        }
        return dot == 0 || dot == key.length() - 1 || key.indexOf('.', dot + 1) > 0
                ? Optional.empty()
                : Optional.of(key);
    }

    private static String bronze(String source, String outside) {
        String of = outside.startsWith(PUBLIC + ".") ? outside.substring(7) : outside;
        return source + "_" + of.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_]", "_");
    }
}
