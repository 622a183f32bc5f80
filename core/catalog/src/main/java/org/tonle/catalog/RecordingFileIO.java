package org.tonle.catalog;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.spi.LakeException;

/**
 * Remembers what an unfinished commit wrote, and deletes nothing on Iceberg's behalf: Iceberg would
 * remove "uncommitted" files before the ledger has decided.
 */
final class RecordingFileIO implements FileIO {
    private static final long serialVersionUID = 1L;
    private static final Logger log = LoggerFactory.getLogger(RecordingFileIO.class);

    // nobody serialises what is being written
    private final transient TableFiles files;
    private final LinkedHashSet<String> created = new LinkedHashSet<>();

    RecordingFileIO(TableFiles files) {
        this.files = files;
    }

    TableFiles files() {
        return files;
    }

    void record(String location) {
        created.add(location);
    }

    List<String> created() {
        return List.copyOf(created);
    }

    /**
     * Deletes what was created except {@code kept}; a file that won't go is left and logged. While
     * the storage is away all are: who waits for this would wait for each.
     */
    void discardExcept(Collection<String> kept) {
        for (String location : created()) {
            if (!kept.contains(location)) {
                try {
                    files.delete(location);
                } catch (LakeException e) {
                    log.warn(
                            "{} of a commit that didn't happen, and what it wrote after it, is left: {}",
                            location,
                            e.getMessage());
                    created.retainAll(kept);
                    return;
                } catch (RuntimeException e) {
                    log.warn("{} of a commit that didn't happen is left: {}", location, e);
                }
                created.remove(location);
            }
        }
    }

    @Override
    public InputFile newInputFile(String location) {
        return files.io().newInputFile(location);
    }

    @Override
    public OutputFile newOutputFile(String location) {
        created.add(location);
        return files.io().newOutputFile(location);
    }

    @Override
    public void deleteFile(String location) {
        // see the class comment
    }
}
