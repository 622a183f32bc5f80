package org.tonle.s3;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import org.apache.iceberg.io.SeekableInputStream;
import org.tonle.contracts.FaultyProxy.Request;

/** What is asked of a bucket. */
enum BucketOperation {
    PUT("put", r -> r.method().equals("PUT") && !isOfUpload(r), new Writing(BucketCell.SMALL)),
    BEGIN_PARTS(
            "begin parts",
            r -> r.method().equals("POST") && r.target().contains("uploads"),
            new Writing(BucketCell.LARGE)),
    PUT_PART(
            "put a part",
            r -> r.method().equals("PUT") && isOfUpload(r),
            new Writing(BucketCell.LARGE)),
    COMPLETE_PARTS(
            "complete parts",
            r -> r.method().equals("POST") && isOfUpload(r),
            new Writing(BucketCell.LARGE)),
    GET("get", BucketOperation::isGet, new Getting()),
    GET_RANGE(
            "get a range",
            r -> isGet(r) && !r.headers().getOrDefault("range", "bytes=0-").equals("bytes=0-"),
            new GettingARange()),
    HEAD("head", r -> r.method().equals("HEAD"), new Asking()),
    LIST("list", r -> r.method().equals("GET") && isListing(r), new Listing()),
    DELETE("delete", r -> r.method().equals("DELETE"), new Deleting()),
    COMMIT("a commit of the lake", r -> true, new Committing());

    private final String said;
    private final Predicate<Request> isMeant;
    private final Work work;

    BucketOperation(String said, Predicate<Request> isMeant, Work work) {
        this.said = said;
        this.isMeant = isMeant;
        this.work = work;
    }

    /** As the docs call it. */
    String said() {
        return said;
    }

    /** Whether a request is one of those by which it is done. */
    Predicate<Request> isMeant() {
        return isMeant;
    }

    Work work() {
        return work;
    }

    private static boolean isOfUpload(Request request) {
        return request.target().contains("uploadId=");
    }

    private static boolean isListing(Request request) {
        return request.target().contains("list-type=2");
    }

    private static boolean isGet(Request request) {
        return request.method().equals("GET") && !isListing(request);
    }

    /** How it is done and looked at. */
    interface Work {
        /** What has to be there before; nothing goes wrong then. */
        default void prepare(BucketCell cell) {}

        void run(BucketCell cell) throws IOException;

        /** Afterwards, when nothing goes wrong any more: what is there, and that it can be done. */
        default void check(BucketCell cell, boolean done) throws IOException {
            run(cell);
        }
    }

    private static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static final class Writing implements Work {
        private final byte[] bytes;

        Writing(int length) {
            bytes = bytes(length);
        }

        @Override
        public void run(BucketCell cell) throws IOException {
            cell.write("a", bytes);
        }

        @Override
        public void check(BucketCell cell, boolean done) throws IOException {
            if (!done) {
                // a small one by the name that it had; of a large one each attempt has another
                cell.write(bytes.length == BucketCell.SMALL ? "a" : "b", bytes);
            }
            boolean isThere = cell.files().newInputFile(cell.location("a")).exists();
            assertThat(isThere || !done).isTrue();
            if (isThere) {
                try (SeekableInputStream in =
                        cell.files().newInputFile(cell.location("a")).newStream()) {
                    assertThat(Arrays.equals(in.readAllBytes(), bytes)).isTrue();
                }
            }
        }
    }

    /** As an engine's files are read. */
    private static final class Getting implements Work {
        private final byte[] bytes = bytes(BucketCell.SMALL);

        @Override
        public void prepare(BucketCell cell) {
            cell.there("a", bytes);
        }

        @Override
        public void run(BucketCell cell) throws IOException {
            Path path = cell.copies().path(cell.location("a"));
            cell.copies().hold(List.of(path)).close();
            assertThat(Files.readAllBytes(path)).isEqualTo(bytes);
        }
    }

    private static final class GettingARange implements Work {
        private final byte[] bytes = bytes(BucketCell.SMALL);

        @Override
        public void prepare(BucketCell cell) {
            cell.there("a", bytes);
        }

        @Override
        public void run(BucketCell cell) throws IOException {
            try (SeekableInputStream in =
                    cell.files().newInputFile(cell.location("a")).newStream()) {
                in.seek(bytes.length / 2);
                assertThat(in.readAllBytes())
                        .isEqualTo(Arrays.copyOfRange(bytes, bytes.length / 2, bytes.length));
            }
        }
    }

    private static final class Asking implements Work {
        @Override
        public void prepare(BucketCell cell) {
            cell.there("a", new byte[7]);
        }

        @Override
        public void run(BucketCell cell) {
            assertThat(cell.files().newInputFile(cell.location("a")).getLength()).isEqualTo(7);
        }
    }

    private static final class Listing implements Work {
        @Override
        public void prepare(BucketCell cell) {
            cell.there("a", new byte[7]);
            cell.there("b", new byte[7]);
        }

        @Override
        public void run(BucketCell cell) {
            assertThat(cell.keys()).containsExactly("a", "b");
        }
    }

    private static final class Deleting implements Work {
        @Override
        public void prepare(BucketCell cell) {
            cell.there("a", new byte[7]);
        }

        @Override
        public void run(BucketCell cell) {
            cell.files().deleteFile(cell.location("a"));
        }

        @Override
        public void check(BucketCell cell, boolean done) {
            run(cell);
            assertThat(cell.files().newInputFile(cell.location("a")).exists()).isFalse();
        }
    }

    private static final class Committing implements Work {
        private final byte[] bytes = bytes(BucketCell.SMALL);

        @Override
        public void prepare(BucketCell cell) {
            cell.createTable();
        }

        @Override
        public void run(BucketCell cell) throws IOException {
            cell.append(bytes);
        }

        @Override
        public void check(BucketCell cell, boolean done) throws IOException {
            assertThat(cell.commits(bytes)).isEqualTo(done ? 1 : 0);
            cell.append(bytes);
            assertThat(cell.commits(bytes)).isEqualTo(done ? 2 : 1);
        }
    }
}
