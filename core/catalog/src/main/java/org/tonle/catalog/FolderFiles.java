package org.tonle.catalog;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import org.apache.iceberg.io.FileIO;

/** Tables in a folder of this machine: a file's path says where it lies. */
public final class FolderFiles implements TableFiles {
    private static final Held NOTHING = () -> {};

    private final Path folder;
    private final FileIO io = new LocalFileIO();

    /**
     * @param folder is made, if it isn't there
     */
    public FolderFiles(Path folder) {
        this.folder = folder.toAbsolutePath().normalize();
        LocalFileIO.createDirectories(this.folder);
    }

    @Override
    public FileIO io() {
        return io;
    }

    @Override
    public String root() {
        return LocalFileIO.location(folder);
    }

    @Override
    public Path folder() {
        return folder;
    }

    @Override
    public Path path(String location) {
        return LocalFileIO.path(location);
    }

    @Override
    public String location(Path path) {
        return LocalFileIO.location(path);
    }

    @Override
    public void store(Path path) {
        LocalFileIO.sync(path);
    }

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
}
