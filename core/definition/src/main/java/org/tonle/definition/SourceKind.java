package org.tonle.definition;

import java.nio.file.Path;

/** What a source reads, and how it is reached: the {@code kind:} of its file. */
public sealed interface SourceKind {
    /** As the file names it. */
    String name();

    /** The largest record that it puts into its topic of the event log. */
    long maxRecordBytes();

    /**
     * Requests to {@code POST /api/v1/ingest/<source>}.
     *
     * @param maxBodyBytes of one request, after decompression
     */
    record Http(long maxBodyBytes) implements SourceKind {
        public static final long DEFAULT_MAX_BODY_BYTES = 20L << 20;

        @Override
        public String name() {
            return "http";
        }

        @Override
        public long maxRecordBytes() {
            return maxBodyBytes;
        }
    }

    /**
     * The files of a folder, each once.
     *
     * @param folder absolute
     * @param pattern which of those in it and below, as a glob over the path from the folder
     */
    record Files(Path folder, String pattern) implements SourceKind {
        /** Longer events aren't taken. */
        public static final long MAX_BODY_BYTES = 20L << 20;

        @Override
        public String name() {
            return "files";
        }

        @Override
        public long maxRecordBytes() {
            return MAX_BODY_BYTES;
        }
    }
}
