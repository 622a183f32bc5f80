package org.tonle.definition;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads how a bucket is reached. */
final class BucketSection {
    /** The keys that only a bucket has. */
    static final List<String> KEYS =
            List.of("endpoint", "region", "access-key", "secret-key", "path-style");

    private static final String SCHEME = "s3://";
    private static final Pattern BUCKET =
            Pattern.compile("s3://([A-Za-z0-9][A-Za-z0-9._-]{1,254})(?:/(.*))?", Pattern.DOTALL);

    private final References references;
    private final Problems problems;

    BucketSection(References references, Problems problems) {
        this.references = references;
        this.problems = problems;
    }

    /** Whether a path is meant to name a bucket. */
    static boolean isMeant(String path) {
        return path.toLowerCase(Locale.ROOT).startsWith(SCHEME);
    }

    /** Of a path without a section, as the environment says. */
    Optional<FileLocation.Bucket> read(Section.Scalar path, String text) {
        return named(path, text)
                .map(name ->
                        new FileLocation.Bucket(
                                name.group(1),
                                prefix(name),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                false));
    }

    /**
     * Of a section with {@link #KEYS}.
     *
     * @param text of its path, resolved
     */
    Optional<FileLocation.Bucket> read(Section section, Section.Scalar path, String text) {
        return named(path, text)
                .map(name ->
                        new FileLocation.Bucket(
                                name.group(1),
                                prefix(name),
                                endpoint(section),
                                section.scalar("region").map(references::resolve),
                                credentials(section),
                                section.flag("path-style")));
    }

    /** Reports the keys that a folder doesn't have. */
    void refuse(Section section) {
        for (String key : KEYS) {
            if (section.has(key)) {
                problems.add(
                        section.placeOf(key),
                        key,
                        "only a bucket has this; write path: s3://BUCKET/PREFIX, or remove it");
            }
        }
    }

    private Optional<Matcher> named(Section.Scalar path, String text) {
        Matcher bucket = BUCKET.matcher(text);
        if (bucket.matches()) {
            return Optional.of(bucket);
        }
        problems.add(
                path.place(), path.text(), "no name of a bucket; write path: s3://BUCKET/PREFIX");
        return Optional.empty();
    }

    private static String prefix(Matcher bucket) {
        String prefix = bucket.group(2) == null ? "" : bucket.group(2);
        return prefix.isEmpty() || prefix.endsWith("/") ? prefix : prefix + "/";
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
}
