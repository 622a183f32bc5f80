package org.tonle.definition;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Replaces {@code ${env:NAME}} and {@code ${file:PATH}} in the values that say how outside systems
 * are reached. A file's last line break is not part of the secret.
 */
final class References {
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{([^}]*)}?");
    private static final long MOST_BYTES = 64 << 10;

    private final Path folder;
    private final Map<String, String> env;
    private final Problems problems;

    References(Path folder, Map<String, String> env, Problems problems) {
        this.folder = folder;
        this.env = env;
        this.problems = problems;
    }

    static boolean in(String text) {
        return text.contains("${");
    }

    /** Reports a secret that is written down. */
    void requireIn(String key, Section.Scalar scalar) {
        if (!in(scalar.text())) {
            // the value is not repeated: it may be the password
            problems.add(
                    scalar.place(),
                    "",
                    "secrets don't belong into files that are shared; write "
                            + key
                            + ": ${env:NAME} or ${file:PATH}");
        }
    }

    /** The value with its references replaced; one that can't be is reported and left out. */
    String resolve(Section.Scalar scalar) {
        Matcher matcher = REFERENCE.matcher(scalar.text());
        StringBuilder resolved = new StringBuilder();
        while (matcher.find()) {
            String replacement = one(matcher.group(1), matcher.group(), scalar.place()).orElse("");
            matcher.appendReplacement(resolved, Matcher.quoteReplacement(replacement));
        }
        return matcher.appendTail(resolved).toString();
    }

    private Optional<String> one(String inside, String whole, Place place) {
        if (inside.startsWith("env:") && whole.endsWith("}")) {
            String name = inside.substring(4);
            String value = env.get(name);
            if (value == null) {
                problems.add(
                        place,
                        whole,
                        "the environment variable " + name + " isn't set; export it first");
            }
            return Optional.ofNullable(value);
        }
        if (inside.startsWith("file:") && whole.endsWith("}")) {
            return file(inside.substring(5), whole, place);
        }
        problems.add(place, whole, "a reference is written ${env:NAME} or ${file:PATH}");
        return Optional.empty();
    }

    private Optional<String> file(String path, String whole, Place place) {
        try {
            Path file = folder.resolve(path);
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                problems.add(place, whole, "not a regular file; name the file with the secret");
                return Optional.empty();
            }
            if (Files.size(file) > MOST_BYTES) {
                problems.add(place, whole, "the file is larger than 64 kB; that is no secret");
                return Optional.empty();
            }
            return Optional.of(
                    Files.readString(file, StandardCharsets.UTF_8).replaceFirst("\\R\\z", ""));
        } catch (IOException | UncheckedIOException | InvalidPathException e) {
            problems.add(
                    place,
                    whole,
                    "the file can't be read ("
                            + e.getClass().getSimpleName()
                            + "); a relative path starts at the lake folder");
            return Optional.empty();
        }
    }
}
