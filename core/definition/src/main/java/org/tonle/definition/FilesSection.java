package org.tonle.definition;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Reads which files of which folder or bucket a source is, and how they are read. */
final class FilesSection {
    /** The keys that only a bucket has. */
    private static final List<String> BUCKET_KEYS =
            List.of("endpoint", "region", "access-key", "secret-key", "path-style");

    static final List<String> KEYS = keys();

    private static final String SCHEME = "s3://";
    private static final Pattern BUCKET =
            Pattern.compile("s3://([A-Za-z0-9][A-Za-z0-9._-]{1,254})(?:/(.*))?", Pattern.DOTALL);

    private final Path folder;
    private final References references;
    private final Problems problems;

    /**
     * @param folder the lake's
     */
    FilesSection(Path folder, References references, Problems problems) {
        this.folder = folder;
        this.references = references;
        this.problems = problems;
    }

    private static List<String> keys() {
        List<String> keys =
                new ArrayList<>(
                        List.of("partitions", "retention", "path", "pattern", "format", "settle"));
        keys.addAll(BUCKET_KEYS);
        return List.copyOf(keys);
    }

    SourceKind.Files read(Section section) {
        Optional<Section.Scalar> path = section.scalar("path");
        if (path.isEmpty()) {
            problems.add(
                    Place.startOf(section.file()),
                    "",
                    "path is missing; write path: FOLDER, absolute or from the lake's folder, or path: s3://BUCKET/PREFIX");
        }
        return new SourceKind.Files(
                location(section, path),
                pattern(section),
                section.choice("format", Arrays.asList(FileFormat.values())),
                section.duration("settle", SourceKind.Files.DEFAULT_SETTLE));
    }

    private FileLocation location(Section section, Optional<Section.Scalar> path) {
        String text = path.map(Section.Scalar::text).orElse(".");
        if (text.toLowerCase(Locale.ROOT).startsWith(SCHEME)) {
            return bucket(section, path.orElseThrow());
        }
        for (String key : BUCKET_KEYS) {
            if (section.has(key)) {
                problems.add(
                        section.placeOf(key),
                        key,
                        "only a bucket has this; write path: s3://BUCKET/PREFIX, or remove it");
            }
        }
        return new FileLocation.Folder(folder.toAbsolutePath().resolve(text).normalize());
    }

    private FileLocation bucket(Section section, Section.Scalar path) {
        Matcher bucket = BUCKET.matcher(path.text());
        if (!bucket.matches()) {
            problems.add(
                    path.place(),
                    path.text(),
                    "no name of a bucket; write path: s3://BUCKET/PREFIX");
            return new FileLocation.Folder(folder.toAbsolutePath());
        }
        String prefix = bucket.group(2) == null ? "" : bucket.group(2);
        return new FileLocation.Bucket(
                bucket.group(1),
                prefix.isEmpty() || prefix.endsWith("/") ? prefix : prefix + "/",
                endpoint(section),
                section.scalar("region").map(references::resolve),
                credentials(section),
                section.flag("path-style"));
    }

    private Optional<URI> endpoint(Section section) {
        Optional<Section.Scalar> scalar = section.scalar("endpoint");
        if (scalar.isEmpty()) {
            return Optional.empty();
        }
        try {
            URI endpoint = new URI(references.resolve(scalar.get()));
            if (("http".equals(endpoint.getScheme()) || "https".equals(endpoint.getScheme()))
                    && endpoint.getHost() != null
                    && endpoint.getUserInfo() == null
                    && endpoint.getQuery() == null
                    && endpoint.getFragment() == null) {
                return Optional.of(endpoint);
            }
        } catch (URISyntaxException e) {
            // said below, without what it quotes
        }
        String text = scalar.get().text();
        problems.add(
                scalar.get().place(),
                // what stands before an @ may be a password
                text.contains("@") ? "" : text,
                "no address of a server; write one like https://s3.example:9000, with access-key and secret-key beside it");
        return Optional.empty();
    }

    private Optional<FileLocation.Credentials> credentials(Section section) {
        Optional<Section.Scalar> access = section.scalar("access-key");
        Optional<Section.Scalar> secret = section.scalar("secret-key");
        secret.ifPresent(s -> references.requireIn("secret-key", s));
        if (section.has("access-key") != section.has("secret-key")) {
            problems.add(
                    section.placeOf(section.has("access-key") ? "access-key" : "secret-key"),
                    "",
                    "access-key and secret-key belong together; write both, or none if the environment has them");
        }
        return access.isEmpty() || secret.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new FileLocation.Credentials(
                                new Secret(references.resolve(access.get())),
                                new Secret(references.resolve(secret.get()))));
    }

    private String pattern(Section section) {
        Optional<Section.Scalar> pattern = section.scalar("pattern");
        try {
            pattern.ifPresent(p -> {
                var unused = folder.getFileSystem().getPathMatcher("glob:" + p.text());
            });
        } catch (PatternSyntaxException e) {
            problems.add(
                    pattern.orElseThrow().place(),
                    pattern.orElseThrow().text(),
                    "no pattern of names: " + e.getDescription() + "; write one like **/*.csv");
            return SourceKind.Files.DEFAULT_PATTERN;
        }
        return pattern.map(Section.Scalar::text).orElse(SourceKind.Files.DEFAULT_PATTERN);
    }
}
