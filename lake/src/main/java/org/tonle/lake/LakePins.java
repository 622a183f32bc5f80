package org.tonle.lake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.LocalFileIO;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.StorageDefinition;
import org.tonle.ledger.Ledger;
import org.tonle.s3.TableBucket;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** What a lake keeps from its first start on, whatever its files say later. */
final class LakePins {
    private static final Logger log = LoggerFactory.getLogger(LakePins.class);

    private static final String STORAGE = "storage";

    private final Ledger ledger;

    LakePins(Ledger ledger) {
        this.ledger = ledger;
    }

    /** A lake keeps the name of its first start, because its topics bear it. */
    String name(LakeDefinition written) {
        String pinned = ledger.pinned("lake-name", written.name());
        if (pinned.equals(written.name())) {
            return pinned;
        }
        if (!written.name().equals(LakeDefinition.nameOf(written.folder()))) {
            throw new LakeException(
                    ErrorCode.INCOMPATIBLE_CHANGE,
                    "This lake has been called %s since its first start, and its topics bear that name; lake.yaml now calls it %s. Write name: %s, or begin a new lake in another folder."
                            .formatted(pinned, written.name(), pinned));
        }
        log.warn(
                "The lake keeps the name of its first start, {}, though its folder is {}. Write name: {} into lake.yaml to see it there.",
                pinned,
                written.folder(),
                pinned);
        return pinned;
    }

    /** Tables name their files by full path. */
    void requireSameStorage(LakeDefinition written) {
        String place = written.storage().place();
        switch (written.storage()) {
            case StorageDefinition.Folder(Path root) -> LocalFileIO.createDirectories(root);
            case StorageDefinition.Bucket bucket -> require(bucket);
        }
        String pinned = ledger.pinned(STORAGE, place);
        if (pinned.equals(place)
                || (written.storage() instanceof StorageDefinition.Folder(Path root)
                        && isSame(pinned, root))) {
            return;
        }
        throw new LakeException(
                ErrorCode.INCOMPATIBLE_CHANGE,
                "The tables of this lake were made in %s, and now it looks for them in %s: a lake can't be moved yet, because its tables name their files by full path. Bring the files back to where they were, or write storage: %s if they are still there."
                        .formatted(pinned, place, pinned));
    }

    /** A place where no table can be is not to be remembered as that of the tables. */
    private void require(StorageDefinition.Bucket bucket) {
        try {
            TableBucket.require(bucket);
        } catch (LakeException e) {
            if (ledger.pinned(STORAGE).isEmpty()) {
                throw e;
            }
            log.warn(
                    "The tables can't be read or written, events are taken all the same: {}",
                    e.getMessage());
        }
    }

    private static boolean isSame(String pinned, Path root) {
        try {
            return !pinned.contains("://")
                    && Files.exists(Path.of(pinned))
                    && Files.exists(root)
                    && Files.isSameFile(Path.of(pinned), root);
        } catch (IOException e) {
            throw new UncheckedIOException("can't look at " + root, e);
        }
    }
}
