package org.tonle.definition;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** Walks a lake folder and reads each file that defines something. */
final class LakeFolder {
    private static final int MOST_BYTES = 1 << 20;
    private static final int MOST_FILES = 10_000;

    private final Path folder;
    private final Problems problems = new Problems();
    private final References references;

    LakeFolder(Path folder, Map<String, String> env) {
        this.folder = folder;
        this.references = new References(folder, env, problems);
    }

    LakeDefinition load(LakeDefinition.SqlCheck sql) {
        int before = problems.count();
        List<SourceDefinition> sources = sources();
        List<SqlText> statements = statements();
        PolicyDefinition policy = policy();
        if (problems.count() == before) {
            sql.problems(sources, statements, policy).forEach(problems::add);
        }
        LakeFile lake = lakeFile();
        QueryDefinition query = lake.query(policy.knownRoles());
        LakeDefinition definition =
                new LakeDefinition(
                        lake.name(),
                        folder,
                        lake.storage(),
                        lake.eventLog(),
                        lake.ledger(),
                        lake.engine(),
                        lake.ingest(),
                        query,
                        lake.audit(),
                        lake.maintenance(query),
                        lake.lineage(),
                        lake.refreshInterval(),
                        sources,
                        statements,
                        policy);
        misnamed("source", "sources");
        misnamed("pipeline", "pipelines");
        misnamed("policy", "policies");
        problems.throwIfAny();
        return definition;
    }

    private LakeFile lakeFile() {
        Path file = folder.resolve(LakeFile.NAME);
        Optional<MappingNode> mapping = Optional.empty();
        if (!Files.isDirectory(folder)) {
            problems.add(
                    Place.startOf(LakeFile.NAME),
                    folder.toString(),
                    "there is no such folder; `tonle init DIR` makes a lake");
        } else if (!Files.isRegularFile(file)) {
            problems.add(
                    Place.startOf(LakeFile.NAME),
                    folder.toString(),
                    "the folder has no lake.yaml, so it isn't a lake; `tonle init DIR` makes one");
        } else {
            mapping = text(file).flatMap(t -> new YamlFile(LakeFile.NAME, problems).read(t));
        }
        return new LakeFile(
                folder,
                mapping.orElseGet(() -> new MappingNode(Tag.MAP, List.of(), FlowStyle.BLOCK)),
                references,
                problems);
    }

    private List<SourceDefinition> sources() {
        List<SourceDefinition> sources = new ArrayList<>();
        for (Path file : files("sources")) {
            String path = name(file);
            if (!expected(file, ".yaml")) {
                continue;
            }
            String fileName = file.getFileName().toString();
            String source = fileName.substring(0, fileName.length() - ".yaml".length());
            if (!SourceFile.validName(source) || !path.equals("sources/" + fileName)) {
                problems.add(
                        Place.startOf(path),
                        source,
                        "a source is named by its file, directly in sources/: a-z, 0-9 and _,"
                                + " starting with a letter, at most 63 characters");
                continue;
            }
            Optional<String> text = text(file);
            if (text.isEmpty()) {
                continue;
            }
            if (text.get().isBlank()) {
                problems.add(Place.startOf(path), "", "the file is empty; write kind: http");
                continue;
            }
            new YamlFile(path, problems)
                    .read(text.get())
                    .map(m -> new SourceFile(folder, path, references, problems).read(source, m))
                    .ifPresent(sources::add);
        }
        requireTablesOfTheirOwn(sources);
        return sources;
    }

    private void requireTablesOfTheirOwn(List<SourceDefinition> sources) {
        Map<String, SourceDefinition> tables = new HashMap<>();
        for (SourceDefinition source : sources) {
            for (BronzeDefinition table : source.tables()) {
                SourceDefinition before = tables.putIfAbsent(table.name(), source);
                if (before != null && !before.name().equals(source.name())) {
                    problems.add(
                            source.place(),
                            source.name(),
                            "fills bronze.%s, and so does source %s; rename one of the files"
                                    .formatted(table.name(), before.name()));
                }
            }
        }
    }

    private List<SqlText> statements() {
        List<SqlText> statements = new ArrayList<>();
        for (Path file : files("pipelines")) {
            if (expected(file, ".sql")) {
                text(file)
                        .map(t -> new SqlSplitter(name(file), t, problems).split())
                        .ifPresent(statements::addAll);
            }
        }
        return statements;
    }

    private PolicyDefinition policy() {
        PolicyFiles policies = new PolicyFiles(problems);
        for (Path file : files("policies")) {
            if (expected(file, ".yaml")) {
                text(file)
                        .flatMap(t -> new YamlFile(name(file), problems).read(t))
                        .ifPresent(mapping -> policies.read(name(file), mapping));
            }
        }
        return policies.resolve();
    }

    // a file that is silently not read is worse than a question
    private boolean expected(Path file, String ending) {
        String name = file.getFileName().toString();
        if (name.endsWith(ending)) {
            return true;
        }
        if (!name.endsWith(".md") && !name.startsWith(".")) {
            problems.add(
                    Place.startOf(name(file)),
                    name,
                    "only files ending in " + ending + " are read here; rename or move it");
        }
        return false;
    }

    private void misnamed(String is, String meant) {
        if (Files.isDirectory(folder.resolve(is)) && !Files.exists(folder.resolve(meant))) {
            problems.add(Place.startOf(is), is, "the folder is never read; rename it to " + meant);
        }
    }

    /**
     * All files below, by path; empty if there is no such folder. Links are followed: a policy that
     * is mounted or linked into its place protects like any other.
     */
    private List<Path> files(String under) {
        Path root = folder.resolve(under);
        if (Files.notExists(root, LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        if (!Files.isDirectory(root)) {
            problems.add(
                    Place.startOf(under), under, "is no folder; what is to be read stands in one");
            return List.of();
        }
        try (Stream<Path> walk = Files.walk(root, FileVisitOption.FOLLOW_LINKS)) {
            List<Path> files =
                    walk.filter(path -> !Files.isDirectory(path) && !isMountState(root, path))
                            .sorted()
                            .limit(MOST_FILES + 1L)
                            .toList();
            if (files.size() > MOST_FILES) {
                problems.add(Place.startOf(under), under, "more than " + MOST_FILES + " files");
                return List.of();
            }
            return files.stream().filter(this::isFile).toList();
        } catch (IOException | UncheckedIOException e) {
            problems.add(
                    Place.startOf(under), under, "the folder can't be read: " + e.getMessage());
            return List.of();
        }
    }

    private boolean isFile(Path path) {
        if (!Files.isRegularFile(path)) {
            problems.add(
                    Place.startOf(name(path)),
                    path.getFileName().toString(),
                    "is no file"
                            + (Files.isSymbolicLink(path) ? ": the link leads nowhere" : "")
                            + "; bring the file there, or remove this");
            return false;
        }
        return true;
    }

    /**
     * Kubernetes mounts a ConfigMap as links to files in a folder called {@code ..data}, which
     * would be read twice.
     */
    private static boolean isMountState(Path root, Path path) {
        for (Path part : root.relativize(path)) {
            if (part.toString().startsWith("..")) {
                return true;
            }
        }
        return false;
    }

    private Optional<String> text(Path file) {
        String name = name(file);
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MOST_BYTES + 1);
            if (bytes.length > MOST_BYTES) {
                problems.add(Place.startOf(name), "", "larger than 1 MB; split it");
                return Optional.empty();
            }
            String text =
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            return Optional.of(text.startsWith("\uFEFF") ? text.substring(1) : text);
        } catch (CharacterCodingException e) {
            problems.add(Place.startOf(name), "", "not UTF-8; save the file in that encoding");
        } catch (IOException e) {
            problems.add(Place.startOf(name), "", "the file can't be read: " + e.getMessage());
        }
        return Optional.empty();
    }

    private String name(Path file) {
        return folder.relativize(file).toString().replace('\\', '/');
    }
}
