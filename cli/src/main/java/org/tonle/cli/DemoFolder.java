package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.OptionalLong;

/** The lake folder of the demo: a copy of {@code examples/flights}, kept or thrown away. */
final class DemoFolder implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> FILES =
            List.of("lake.yaml", "sources/flights.yaml", "pipelines/flights.sql");

    private final Path folder;
    private final boolean kept;

    private DemoFolder(Path folder, boolean kept) {
        this.folder = folder;
        this.kept = kept;
    }

    /** A folder that is there after the demo; one of an earlier demo goes on. */
    static DemoFolder kept(Path example, Path folder) {
        try {
            for (String file : FILES) {
                Path target = folder.resolve(file);
                Path source = example.resolve(file);
                if (!Files.exists(target)) {
                    Files.createDirectories(target.resolveSibling("."));
                    Files.copy(source, target);
                } else if (Files.mismatch(source, target) >= 0) {
                    throw new Failure(
                            Exit.FAILED,
                            target
                                    + " isn't the demo's; choose a folder that is empty, or one of"
                                    + " an earlier demo");
                }
            }
            return new DemoFolder(folder, true);
        } catch (IOException e) {
            throw new Failure(Exit.FAILED, "can't prepare " + folder + ": " + e);
        }
    }

    /** A folder that is gone after the demo. */
    static DemoFolder temporary(Path example) {
        try {
            Path folder = Files.createTempDirectory("tonle-demo-");
            return new DemoFolder(kept(example, folder).folder, false);
        } catch (IOException e) {
            throw new Failure(Exit.FAILED, "can't make a temporary folder: " + e);
        }
    }

    Path path() {
        return folder;
    }

    boolean isKept() {
        return kept;
    }

    private Path note() {
        return folder.resolve(".tonle").resolve("demo.json");
    }

    /** How many events the demo in this folder is about; empty before the first. */
    OptionalLong events() {
        try {
            JsonNode node = JSON.readTree(Files.readString(note()));
            return OptionalLong.of(node.path("events").asLong());
        } catch (NoSuchFileException e) {
            return OptionalLong.empty();
        } catch (IOException e) {
            throw new Failure(Exit.FAILED, "can't read " + note() + ": " + e.getMessage());
        }
    }

    void noteEvents(long events) {
        try {
            Files.writeString(note(), JSON.createObjectNode().put("events", events) + "\n");
        } catch (IOException e) {
            throw new Failure(Exit.FAILED, "can't write " + note() + ": " + e.getMessage());
        }
    }

    @Override
    public void close() {
        if (kept) {
            return;
        }
        try {
            Files.walkFileTree(
                    folder,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                                throws IOException {
                            Files.delete(file);
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult postVisitDirectory(Path dir, IOException e)
                                throws IOException {
                            if (e != null) {
                                throw e;
                            }
                            Files.delete(dir);
                            return FileVisitResult.CONTINUE;
                        }
                    });
        } catch (IOException e) {
            throw new Failure(Exit.FAILED, "can't remove " + folder + ": " + e.getMessage());
        }
    }
}
