package org.tonle.maintenance;

import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.inmemory.InMemoryInputFile;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.apache.iceberg.io.SeekableInputStream;
import org.apache.iceberg.io.SupportsPrefixOperations;
import org.tonle.catalog.TableFiles;

/** An object store in memory, whose clock can be set. */
final class MemoryFiles implements TableFiles {
    private static final String ROOT = "mem://lake";
    private static final Held NOTHING = () -> {};

    private final Map<String, Stored> stored = new ConcurrentHashMap<>();
    private final Path folder;
    private final InstantSource clock;
    private final Store io = new Store();

    private record Stored(byte[] bytes, long modified) {}

    MemoryFiles(Path folder, InstantSource clock) {
        this.folder = folder;
        this.clock = clock;
    }

    void put(String location, byte[] bytes) {
        stored.put(location, new Stored(bytes, clock.millis()));
    }

    Set<String> locations() {
        return stored.keySet();
    }

    void clear() {
        stored.clear();
    }

    @Override
    public FileIO io() {
        return io;
    }

    @Override
    public String root() {
        return ROOT;
    }

    @Override
    public Path folder() {
        return folder;
    }

    @Override
    public Path path(String location) {
        return folder.resolve(location.substring(ROOT.length() + 1));
    }

    @Override
    public String location(Path path) {
        return ROOT + "/" + folder.relativize(path);
    }

    @Override
    public void store(Path path) {}

    @Override
    public void delete(String location) {
        io.deleteFile(location);
    }

    @Override
    public Held hold(Collection<Path> paths, Duration timeout) {
        return NOTHING;
    }

    @Override
    public boolean isHere(Path path) {
        return true;
    }

    private final class Store implements SupportsPrefixOperations {
        private static final long serialVersionUID = 1L;

        @Override
        public InputFile newInputFile(String location) {
            return new Input(location);
        }

        @Override
        public OutputFile newOutputFile(String location) {
            return new Output(location);
        }

        @Override
        public void deleteFile(String location) {
            stored.remove(location);
        }

        @Override
        public Iterable<FileInfo> listPrefix(String prefix) {
            return stored.entrySet().stream()
                    .filter(file -> file.getKey().startsWith(prefix))
                    .map(file ->
                            new FileInfo(
                                    file.getKey(),
                                    file.getValue().bytes().length,
                                    file.getValue().modified()))
                    .toList();
        }

        @Override
        public void deletePrefix(String prefix) {
            throw new UnsupportedOperationException();
        }
    }

    private final class Input implements InputFile {
        private final String location;

        Input(String location) {
            this.location = location;
        }

        private InMemoryInputFile file() {
            Stored found = stored.get(location);
            if (found == null) {
                throw new NotFoundException("Failed to open input stream for file: %s", location);
            }
            return new InMemoryInputFile(location, found.bytes());
        }

        @Override
        public long getLength() {
            return file().getLength();
        }

        @Override
        public SeekableInputStream newStream() {
            return file().newStream();
        }

        @Override
        public String location() {
            return location;
        }

        @Override
        public boolean exists() {
            return stored.containsKey(location);
        }
    }

    private final class Output implements OutputFile {
        private final String location;

        Output(String location) {
            this.location = location;
        }

        @Override
        public PositionOutputStream create() {
            return createOrOverwrite();
        }

        @Override
        public PositionOutputStream createOrOverwrite() {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            return new PositionOutputStream() {
                @Override
                public long getPos() {
                    return bytes.size();
                }

                @Override
                public void write(int b) {
                    bytes.write(b);
                }

                @Override
                public void write(byte[] some, int from, int length) {
                    bytes.write(some, from, length);
                }

                @Override
                public void close() {
                    put(location, bytes.toByteArray());
                }
            };
        }

        @Override
        public String location() {
            return location;
        }

        @Override
        public InputFile toInputFile() {
            return new Input(location);
        }
    }
}
