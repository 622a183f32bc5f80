package org.tonle.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** A folder of this machine with all that is below it; links are left alone. */
final class FolderOrigin implements FileOrigin {
    private static final char REPLACED = '\uFFFD';

    private final Path folder;

    /** By the names that were made for them, files whose own are no text here. */
    private final Map<String, Path> nameless = new HashMap<>();

    FolderOrigin(Path folder) {
        this.folder = folder;
    }

    @Override
    public void require() {
        if (!Files.isDirectory(folder)) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "There is no folder %s. Make it, or change path: in the source's file."
                            .formatted(folder));
        }
    }

    /** All at once, those that changed first before the others. */
    @Override
    public Page list(Optional<String> from) throws IOException {
        require();
        List<Found> found = new ArrayList<>();
        List<String> refused = new ArrayList<>();
        nameless.clear();
        Files.walkFileTree(
                folder,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                        if (attributes.isRegularFile()) {
                            found.add(found(name(file), attributes));
                        }
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException e)
                            throws IOException {
                        if (e instanceof NoSuchFileException) {
                            return FileVisitResult.CONTINUE;
                        }
                        if (e instanceof AccessDeniedException && !file.equals(folder)) {
                            refused.add(name(file));
                            return FileVisitResult.CONTINUE;
                        }
                        throw e;
                    }
                });
        found.sort(Comparator.comparing(Found::changed).thenComparing(Found::name));
        return new Page(found, Optional.empty(), refused);
    }

    private static Found found(String name, BasicFileAttributes attributes) {
        return new Found(
                name,
                attributes.size(),
                attributes.lastModifiedTime().toInstant(),
                Optional.empty());
    }

    private String name(Path file) {
        String name = folder.relativize(file).toString().replace('\\', '/');
        if (name.indexOf(REPLACED) < 0) {
            return name;
        }
        // bytes that the file system's encoding doesn't have: no two files may get the same name
        String bytes = folder.toUri().relativize(file.toUri()).getRawPath();
        nameless.put(bytes, file);
        return bytes;
    }

    private Path path(Found file) {
        Path path = nameless.get(file.name());
        return path == null ? folder.resolve(file.name()) : path;
    }

    @Override
    public Optional<Path> local(Found file) {
        // not all that reads files takes a path whose name is no text
        return nameless.containsKey(file.name()) ? Optional.empty() : Optional.of(path(file));
    }

    @Override
    public InputStream open(Found file, long offset) throws IOException {
        InputStream in = open(file);
        try {
            in.skipNBytes(offset);
            return in;
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }

    private InputStream open(Found file) throws IOException {
        try {
            return Files.newInputStream(path(file));
        } catch (AccessDeniedException e) {
            throw new RefusedFileException(file.name(), e);
        }
    }

    @Override
    public boolean isStill(Found file) throws IOException {
        try {
            return found(file.name(), Files.readAttributes(path(file), BasicFileAttributes.class))
                    .equals(file);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    @Override
    public void close() {
        // nothing is open between two calls
    }
}
