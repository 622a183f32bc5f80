package org.tonle.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** A folder of this machine with all that is below it; links are left alone. */
final class FolderOrigin implements FileOrigin {
    private final Path folder;

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
                        throw e;
                    }
                });
        found.sort(Comparator.comparing(Found::changed).thenComparing(Found::name));
        return new Page(found, Optional.empty());
    }

    private static Found found(String name, BasicFileAttributes attributes) {
        return new Found(
                name,
                attributes.size(),
                attributes.lastModifiedTime().toInstant(),
                Optional.empty());
    }

    private String name(Path file) {
        return folder.relativize(file).toString().replace('\\', '/');
    }

    @Override
    public Optional<Path> local(Found file) {
        return Optional.of(folder.resolve(file.name()));
    }

    @Override
    public InputStream open(Found file, long offset) throws IOException {
        InputStream in = Files.newInputStream(folder.resolve(file.name()));
        try {
            in.skipNBytes(offset);
            return in;
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }

    @Override
    public boolean isStill(Found file) throws IOException {
        try {
            Path path = folder.resolve(file.name());
            return found(file.name(), Files.readAttributes(path, BasicFileAttributes.class))
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
