package org.tonle.definition;

import java.net.URI;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Reads where tables lie: a folder's path, a bucket's, or a bucket with keys of its own. */
final class StorageSection {
    static final long DEFAULT_CACHE = 10L << 30;

    private static final long LEAST_CACHE = 1L << 20;
    private static final long MOST_CACHE = 1L << 50;
    private static final Pattern PREFIX = Pattern.compile("([A-Za-z0-9_=-][A-Za-z0-9_=.-]*/)*");
    private static final List<String> BUCKET_ONLY = List.of("encryption", "kms-key", "cache");
    private static final List<String> KEYS = keys();

    private final Path folder;
    private final References references;
    private final Problems problems;
    private final BucketSection buckets;

    /**
     * @param folder the lake's
     */
    StorageSection(Path folder, References references, Problems problems) {
        this.folder = folder;
        this.references = references;
        this.problems = problems;
        this.buckets = new BucketSection(references, problems);
    }

    private static List<String> keys() {
        List<String> keys = new ArrayList<>(List.of("path"));
        keys.addAll(BucketSection.KEYS);
        keys.addAll(BUCKET_ONLY);
        return List.copyOf(keys);
    }

    StorageDefinition read(Section top) {
        StorageDefinition otherwise =
                new StorageDefinition.Folder(folder.resolve(".tonle").resolve("warehouse"));
        if (!top.has("storage")) {
            return otherwise;
        }
        return (top.isMapping("storage")
                        ? top.section("storage", KEYS).flatMap(this::section)
                        : top.scalar("storage").flatMap(this::path))
                .orElse(otherwise);
    }

    private Optional<StorageDefinition> path(Section.Scalar scalar) {
        String text = references.resolve(scalar);
        return BucketSection.isMeant(text)
                ? buckets.read(scalar, text)
                        .filter(bucket -> isPlain(bucket, scalar))
                        .map(bucket ->
                                new StorageDefinition.Bucket(
                                        bucket, Optional.empty(), DEFAULT_CACHE))
                : folder(scalar, text);
    }

    private Optional<StorageDefinition> section(Section section) {
        Optional<Section.Scalar> path = section.scalar("path");
        if (path.isEmpty()) {
            problems.add(
                    Place.startOf(section.file()),
                    "storage",
                    "path is missing; write path: s3://BUCKET/PREFIX, or storage: FOLDER");
            return Optional.empty();
        }
        String text = references.resolve(path.get());
        if (BucketSection.isMeant(text)) {
            Optional<StorageDefinition.Encryption> encryption = encryption(section);
            long cache = section.bytes("cache", DEFAULT_CACHE, LEAST_CACHE, MOST_CACHE);
            return buckets.read(section, path.get(), text)
                    .filter(bucket -> isPlain(bucket, path.get()))
                    .map(bucket -> new StorageDefinition.Bucket(bucket, encryption, cache));
        }
        buckets.refuse(section);
        for (String key : BUCKET_ONLY) {
            if (section.has(key)) {
                problems.add(
                        section.placeOf(key),
                        key,
                        "only a bucket has this; write path: s3://BUCKET/PREFIX, or remove it");
            }
        }
        return folder(path.get(), text);
    }

    /** The prefix becomes part of paths and of what permissions are given on. */
    private boolean isPlain(FileLocation.Bucket bucket, Section.Scalar path) {
        boolean plain = PREFIX.matcher(bucket.prefix()).matches();
        if (!plain) {
            problems.add(
                    path.place(),
                    path.text(),
                    "the prefix of tables is made of names of A-Z, a-z, 0-9, _, =, - and . with a / between two; write one like s3://lake/tables");
        }
        return plain;
    }

    private Optional<StorageDefinition.Encryption> encryption(Section section) {
        Optional<String> kind = section.choice("encryption", List.of("s3", "kms"));
        Optional<Section.Scalar> key = section.scalar("kms-key");
        boolean byService = kind.filter("kms"::equals).isPresent();
        if (byService != section.has("kms-key")) {
            problems.add(
                    section.placeOf(byService ? "encryption" : "kms-key"),
                    "",
                    "encryption: kms and kms-key: KEY belong together; write both");
            return Optional.empty();
        }
        return byService
                ? key.map(references::resolve).map(StorageDefinition.Encryption.KeyService::new)
                : kind.map(server -> new StorageDefinition.Encryption.Server());
    }

    private Optional<StorageDefinition> folder(Section.Scalar scalar, String text) {
        try {
            if (text.startsWith("file:")) {
                return Optional.of(
                        new StorageDefinition.Folder(Path.of(URI.create(text)).normalize()));
            }
            if (text.matches("[a-zA-Z][a-zA-Z0-9+.-]*://.*")) {
                problems.add(
                        scalar.place(),
                        scalar.text(),
                        "tables lie in a folder or a bucket; write a folder's path or s3://BUCKET/PREFIX, or remove the key for .tonle/warehouse");
                return Optional.empty();
            }
            if (text.startsWith("~")) {
                problems.add(
                        scalar.place(),
                        scalar.text(),
                        "~ isn't expanded; write the whole path, or ${env:HOME}/…");
                return Optional.empty();
            }
            return Optional.of(new StorageDefinition.Folder(folder.resolve(text).normalize()));
        } catch (IllegalArgumentException e) {
            // InvalidPathException is one, too
            problems.add(
                    scalar.place(),
                    scalar.text(),
                    "not a folder's path (" + reason(e) + "); write one like /data/warehouse");
            return Optional.empty();
        }
    }

    private static String reason(IllegalArgumentException e) {
        return e instanceof InvalidPathException path ? path.getReason() : "" + e.getMessage();
    }
}
