package org.tonle.definition;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.PatternSyntaxException;

/** Reads which files of which folder or bucket a source is, and how they are read. */
final class FilesSection {
    static final List<String> KEYS = keys();

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
        keys.addAll(BucketSection.KEYS);
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
        BucketSection buckets = new BucketSection(references, problems);
        if (BucketSection.isMeant(text)) {
            return buckets.read(section, path.orElseThrow(), text)
                    .<FileLocation>map(bucket -> bucket)
                    .orElseGet(() -> new FileLocation.Folder(folder.toAbsolutePath()));
        }
        buckets.refuse(section);
        return new FileLocation.Folder(folder.toAbsolutePath().resolve(text).normalize());
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
