package org.tonle.transfer;

import java.nio.file.Path;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.tonle.catalog.LocalFileIO;

/** Files of a folder of this machine that are to be read at another place. Nothing is deleted. */
final class PlacedFiles implements FileIO {
    private static final long serialVersionUID = 1L;

    private final transient FileIO local = new LocalFileIO();
    private final String place;
    private final transient Path folder;

    /**
     * @param place what locations begin with, without a slash at its end
     * @param folder where the files are meanwhile
     */
    PlacedFiles(String place, Path folder) {
        this.place = place;
        this.folder = folder.toAbsolutePath().normalize();
    }

    private String path(String location) {
        if (!location.startsWith(place + "/")) {
            throw new IllegalArgumentException(location + " isn't in " + place);
        }
        return folder + location.substring(place.length());
    }

    @Override
    public InputFile newInputFile(String location) {
        return local.newInputFile(path(location));
    }

    @Override
    public OutputFile newOutputFile(String location) {
        return new Placed(location, local.newOutputFile(path(location)));
    }

    @Override
    public void deleteFile(String location) {}

    /** A file that is written here and will lie there. */
    record Placed(String location, OutputFile file) implements OutputFile {
        @Override
        public PositionOutputStream create() {
            return file.create();
        }

        @Override
        public PositionOutputStream createOrOverwrite() {
            return file.createOrOverwrite();
        }

        @Override
        public InputFile toInputFile() {
            return file.toInputFile();
        }
    }
}
