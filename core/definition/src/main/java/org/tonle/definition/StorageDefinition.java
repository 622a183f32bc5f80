package org.tonle.definition;

import java.nio.file.Path;
import java.util.Optional;

/** Where table files lie. */
public sealed interface StorageDefinition {
    /** What they are named by, all beginning alike: an absolute path, or {@code s3://…}. */
    String place();

    /**
     * A folder of this machine.
     *
     * @param root absolute; it need not exist yet
     */
    record Folder(Path root) implements StorageDefinition {
        @Override
        public String place() {
            return root.toString();
        }
    }

    /**
     * A bucket, with copies in a folder of this machine of what is read.
     *
     * @param bucket which, and the prefix that all keys have
     * @param encryption at rest; empty: as the bucket is set
     * @param cacheBytes how much room the copies take; what running statements read may be more
     */
    record Bucket(FileLocation.Bucket bucket, Optional<Encryption> encryption, long cacheBytes)
            implements StorageDefinition {
        @Override
        public String place() {
            String place = bucket.toString();
            return place.endsWith("/") ? place.substring(0, place.length() - 1) : place;
        }
    }

    /** Who has the keys that objects are encrypted with. */
    sealed interface Encryption {
        /** The server (SSE-S3). */
        record Server() implements Encryption {}

        /**
         * A key service that the server asks (SSE-KMS).
         *
         * @param key which of its keys
         */
        record KeyService(String key) implements Encryption {}
    }
}
