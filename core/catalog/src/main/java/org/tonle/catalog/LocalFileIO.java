package org.tonle.catalog;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.apache.iceberg.io.SeekableInputStream;
import org.apache.iceberg.io.SupportsPrefixOperations;

/**
 * Files of this machine, named {@code file:///absolute/path} without any encoding. What is written
 * through it is on the disk, and its directory entry too, when {@code close()} returns: the commit
 * that names it comes after.
 */
public final class LocalFileIO implements SupportsPrefixOperations {
    private static final long serialVersionUID = 1L;
    private static final String SCHEME = "file://";

    /** The location that names {@code path} in tables. */
    public static String location(Path path) {
        return SCHEME + path.toAbsolutePath().normalize();
    }

    /** The file that a location names. */
    public static Path path(String location) {
        if (location.startsWith(SCHEME)) {
            return Path.of(location.substring(SCHEME.length()));
        }
        return Path.of(location.startsWith("file:") ? location.substring(5) : location);
    }

    /** Puts a file, and the entries of the new directories that lead to it, on the disk. */
    public static void sync(Path file) {
        try {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            syncDirectory(file.getParent());
        } catch (IOException e) {
            throw new UncheckedIOException("can't sync " + file, e);
        }
    }

    private static void syncDirectory(@org.jspecify.annotations.Nullable Path directory)
            throws IOException {
        if (directory != null) {
            try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    /** Creates a directory with its parents, each one's entry on the disk. */
    public static void createDirectories(Path directory) {
        try {
            if (Files.isDirectory(directory)) {
                return;
            }
            Path parent = directory.toAbsolutePath().getParent();
            if (parent != null) {
                createDirectories(parent);
            }
            Files.createDirectories(directory);
            syncDirectory(parent);
        } catch (IOException e) {
            throw new UncheckedIOException("can't create " + directory, e);
        }
    }

    /** Removes a directory with all that is in it, if it is there. */
    public static void removeTree(Path directory) {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't remove " + directory, e);
        }
    }

    @Override
    public InputFile newInputFile(String location) {
        return new LocalInputFile(location);
    }

    @Override
    public OutputFile newOutputFile(String location) {
        return new LocalOutputFile(location);
    }

    @Override
    public void deleteFile(String location) {
        try {
            Files.deleteIfExists(path(location));
        } catch (DirectoryNotEmptyException e) {
            throw new UncheckedIOException("not a file: " + location, e);
        } catch (IOException e) {
            throw new UncheckedIOException("can't delete " + location, e);
        }
    }

    /** The files of a folder and of those in it; none if it isn't there. */
    @Override
    public Iterable<FileInfo> listPrefix(String prefix) {
        List<FileInfo> found = new ArrayList<>();
        try {
            Files.walkFileTree(
                    path(prefix),
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes is) {
                            if (is.isRegularFile()) {
                                found.add(
                                        new FileInfo(
                                                location(file),
                                                is.size(),
                                                is.lastModifiedTime().toMillis()));
                            }
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult visitFileFailed(Path file, IOException e)
                                throws IOException {
                            if (e instanceof NoSuchFileException) {
                                return FileVisitResult.CONTINUE; // it has just been removed
                            }
                            throw e;
                        }
                    });
        } catch (IOException e) {
            throw new UncheckedIOException("can't list " + prefix, e);
        }
        return found;
    }

    /** Nobody deletes a table's files by their folder. */
    @Override
    public void deletePrefix(String prefix) {
        throw new UnsupportedOperationException("files are deleted one by one");
    }

    private record LocalInputFile(String location) implements InputFile {
        private InputFile file() {
            return org.apache.iceberg.Files.localInput(path(location).toFile());
        }

        @Override
        public long getLength() {
            return file().getLength();
        }

        @Override
        public SeekableInputStream newStream() {
            if (!exists()) {
                throw new NotFoundException("Failed to open input stream for file: %s", location);
            }
            return file().newStream();
        }

        @Override
        public boolean exists() {
            return Files.exists(path(location));
        }
    }

    private record LocalOutputFile(String location) implements OutputFile {
        @Override
        public PositionOutputStream create() {
            if (Files.exists(path(location))) {
                throw new AlreadyExistsException("File already exists: %s", location);
            }
            return createOrOverwrite();
        }

        @Override
        public PositionOutputStream createOrOverwrite() {
            File file = path(location).toFile();
            Path parent = file.toPath().getParent();
            if (parent != null) {
                createDirectories(parent);
            }
            try {
                return new SyncingStream(file);
            } catch (IOException e) {
                throw new UncheckedIOException("can't write " + location, e);
            }
        }

        @Override
        public InputFile toInputFile() {
            return new LocalInputFile(location);
        }
    }

    private static final class SyncingStream extends PositionOutputStream {
        private final Path path;
        private final FileOutputStream out;
        private long position;
        private boolean closed;

        SyncingStream(File file) throws IOException {
            this.path = file.toPath();
            this.out = new FileOutputStream(file);
        }

        @Override
        public long getPos() {
            return position;
        }

        @Override
        public void write(int b) throws IOException {
            out.write(b);
            position++;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            out.write(bytes, offset, length);
            position += length;
        }

        @Override
        public void close() throws IOException {
            if (closed) {
                return;
            }
            closed = true;
            try (out) {
                out.getChannel().force(true);
            }
            syncDirectory(path.getParent());
        }
    }
}
