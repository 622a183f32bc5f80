package org.tonle.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.apache.iceberg.io.SeekableInputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Over a folder that stands for the object store. */
class CachedFilesTest {
    private static final long ROOMY = 1_000_000;

    @TempDir private Path dir;
    private Path store;
    private final Counting io = new Counting();

    /** Counts how often a file is opened, and fails as it is told. */
    private static final class Counting implements FileIO {
        private final LocalFileIO files = new LocalFileIO();
        private final AtomicInteger opened = new AtomicInteger();
        private final AtomicReference<@Nullable RuntimeException> atFirstRead =
                new AtomicReference<>();
        private final AtomicReference<@Nullable RuntimeException> atClose = new AtomicReference<>();

        private final AtomicBoolean cut = new AtomicBoolean();

        /** What is read waits for it, whoever has had enough of it. */
        private final AtomicReference<@Nullable CountDownLatch> gate = new AtomicReference<>();

        @Override
        public InputFile newInputFile(String location) {
            opened.incrementAndGet();
            InputFile file = files.newInputFile(location);
            CountDownLatch closed = gate.get();
            if (closed != null) {
                return new SlowInput(file, closed);
            }
            RuntimeException failure = atFirstRead.getAndSet(null);
            return failure == null ? file : new FailingInput(file, failure);
        }

        @Override
        public OutputFile newOutputFile(String location) {
            OutputFile file = files.newOutputFile(location);
            if (cut.getAndSet(false)) {
                return new CutOutput(file);
            }
            if (file.toInputFile().exists()) {
                throw new LakeException(ErrorCode.STORAGE, "Somebody else wrote it.");
            }
            RuntimeException failure = atClose.getAndSet(null);
            return failure == null ? file : new FailingOutput(file, failure);
        }

        @Override
        public void deleteFile(String location) {
            files.deleteFile(location);
        }
    }

    /** Opens whatever happens, as streams of S3 do, and fails then. */
    private record FailingInput(InputFile file, RuntimeException failure) implements InputFile {
        @Override
        public long getLength() {
            return file.getLength();
        }

        @Override
        public SeekableInputStream newStream() {
            return new SeekableInputStream() {
                @Override
                public long getPos() {
                    return 0;
                }

                @Override
                public void seek(long position) {}

                @Override
                public int read() {
                    throw failure;
                }
            };
        }

        @Override
        public String location() {
            return file.location();
        }

        @Override
        public boolean exists() {
            return true;
        }
    }

    /** Says nothing until a gate is opened, also to a thread that is interrupted. */
    private record SlowInput(InputFile file, CountDownLatch gate) implements InputFile {
        @Override
        public long getLength() {
            return file.getLength();
        }

        @Override
        public SeekableInputStream newStream() {
            boolean interrupted = Thread.interrupted();
            while (gate.getCount() > 0) {
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            return file.newStream();
        }

        @Override
        public String location() {
            return file.location();
        }

        @Override
        public boolean exists() {
            return file.exists();
        }
    }

    /** Takes everything, and fails when that is to be sent. */
    private record FailingOutput(OutputFile file, RuntimeException failure) implements OutputFile {
        @Override
        public PositionOutputStream create() {
            return createOrOverwrite();
        }

        @Override
        public PositionOutputStream createOrOverwrite() {
            return new PositionOutputStream() {
                @Override
                public long getPos() {
                    return 0;
                }

                @Override
                public void write(int b) {}

                @Override
                public void close() {
                    throw failure;
                }
            };
        }

        @Override
        public String location() {
            return file.location();
        }

        @Override
        public InputFile toInputFile() {
            return file.toInputFile();
        }
    }

    /** Fails after two bytes, which are there when it is closed. */
    private record CutOutput(OutputFile file) implements OutputFile {
        @Override
        public PositionOutputStream create() {
            return createOrOverwrite();
        }

        @Override
        public PositionOutputStream createOrOverwrite() {
            PositionOutputStream out = file.createOrOverwrite();
            return new PositionOutputStream() {
                @Override
                public long getPos() throws IOException {
                    return out.getPos();
                }

                @Override
                public void write(int b) throws IOException {
                    if (out.getPos() == 2) {
                        throw new IOException("No more is taken");
                    }
                    out.write(b);
                }

                @Override
                public void close() throws IOException {
                    out.close();
                }
            };
        }

        @Override
        public String location() {
            return file.location();
        }

        @Override
        public InputFile toInputFile() {
            return file.toInputFile();
        }
    }

    @BeforeEach
    void folders() throws IOException {
        store = Files.createDirectories(dir.resolve("store"));
    }

    private CachedFiles open(long limit) {
        return open(limit, () -> false);
    }

    /** On a disk that is sometimes nearly full. */
    private CachedFiles open(long limit, BooleanSupplier isShort) {
        return new CachedFiles(
                io, LocalFileIO.location(store), dir.resolve("cache"), limit, isShort);
    }

    /** A file of the store that nobody of this machine wrote. */
    private Path given(CachedFiles files, String name, String content) throws IOException {
        Path there = store.resolve(name);
        Files.createDirectories(there.getParent());
        Files.writeString(there, content);
        return files.path(LocalFileIO.location(there));
    }

    private static String read(CachedFiles files, Path path) {
        return files.with(
                List.of(path),
                () -> {
                    try {
                        return Files.readString(path);
                    } catch (IOException e) {
                        throw new java.io.UncheckedIOException(e);
                    }
                });
    }

    /** Files that are just being removed may be missing. */
    private static List<String> left(Path folder) {
        List<String> found = new ArrayList<>();
        new LocalFileIO()
                .listPrefix(LocalFileIO.location(folder))
                .forEach(file ->
                        found.add(folder.relativize(LocalFileIO.path(file.location())).toString()));
        return found.stream().sorted().toList();
    }

    @Test
    void whatWasWrittenHereLiesInTheStoreAndIsReadWithoutFetchingIt() throws IOException {
        try (CachedFiles files = open(ROOMY)) {
            Path path = files.folder().resolve("t/data/a.parquet");
            Files.createDirectories(path.getParent());
            Files.writeString(path, "rows");
            assertThat(files.location(path)).isEqualTo(files.root() + "/t/data/a.parquet");
            // it isn't stored yet, and its writer reads it
            assertThat(read(files, path)).isEqualTo("rows");

            files.store(path);
            files.store(path);

            assertThat(store.resolve("t/data/a.parquet")).hasContent("rows");
            assertThat(read(files, path)).isEqualTo("rows");
            assertThat(io.opened).hasValue(0);
            assertThat(files.counts()).isEqualTo(new CachedFiles.Counts(1, 0, 0, 4, ROOMY));
        }
    }

    @Test
    void whatIsntHereIsFetchedOnceHoweverManyAskForItAtOnce() throws Exception {
        try (CachedFiles files = open(ROOMY);
                ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
            Path path = given(files, "t/a.parquet", "rows");
            CountDownLatch start = new CountDownLatch(1);
            List<Future<String>> answers = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                answers.add(
                        readers.submit(() -> {
                            start.await();
                            return read(files, path);
                        }));
            }
            start.countDown();
            for (Future<String> answer : answers) {
                assertThat(answer.get()).isEqualTo("rows");
            }
            assertThat(io.opened).hasValue(1);
            assertThat(files.counts()).isEqualTo(new CachedFiles.Counts(19, 1, 4, 4, ROOMY));
        }
    }

    @Test
    void copiesOutliveTheProcessUnlessTheyAreDamaged() throws IOException {
        Path good;
        Path damaged;
        try (CachedFiles files = open(ROOMY)) {
            good = given(files, "t/good.parquet", "good");
            damaged = given(files, "t/bad.parquet", "fine");
            assertThat(read(files, good)).isEqualTo("good");
            assertThat(read(files, damaged)).isEqualTo("fine");
        }
        Files.writeString(damaged, "fin3");
        Files.writeString(damaged.resolveSibling("begun.parquet"), "be");
        Files.writeString(damaged.resolveSibling("lost.parquet.crc32c"), "x");
        io.opened.set(0);
        try (CachedFiles files = open(ROOMY)) {
            assertThat(left(files.folder()))
                    .containsExactly(
                            "t/bad.parquet",
                            "t/bad.parquet.crc32c",
                            "t/good.parquet",
                            "t/good.parquet.crc32c");
            assertThat(files.counts().bytes()).isEqualTo(8);
            assertThat(read(files, good)).isEqualTo("good");
            assertThat(io.opened).hasValue(0);
            assertThat(read(files, damaged)).isEqualTo("fine");
            assertThat(io.opened).hasValue(1);
            assertThat(files.counts()).isEqualTo(new CachedFiles.Counts(1, 1, 4, 8, ROOMY));
        }
    }

    @Test
    void aCopyWhoseChecksumOrWhoseFileCantBeReadIsFetchedAgain() throws IOException {
        Path garbled;
        Path unreadable;
        try (CachedFiles files = open(ROOMY)) {
            garbled = given(files, "t/garbled.parquet", "rows");
            unreadable = given(files, "t/unreadable.parquet", "more");
            assertThat(read(files, garbled)).isEqualTo("rows");
            assertThat(read(files, unreadable)).isEqualTo("more");
        }
        Files.write(garbled.resolveSibling("garbled.parquet.crc32c"), new byte[] {(byte) 0xff});
        io.opened.set(0);
        try (CachedFiles files = open(ROOMY)) {
            // a folder can't be read as a file
            Files.delete(unreadable);
            Files.createDirectory(unreadable);
            assertThat(read(files, garbled)).isEqualTo("rows");
            assertThat(read(files, unreadable)).isEqualTo("more");
            assertThat(io.opened).hasValue(2);
            assertThat(files.counts().bytes()).isEqualTo(8);
        }
    }

    @Test
    void whatCantBeTakenOverOrRemovedDoesntKeepALakeFromStarting() throws IOException {
        Path path;
        try (CachedFiles files = open(ROOMY)) {
            path = given(files, "t/a.parquet", "rows");
            assertThat(read(files, path)).isEqualTo("rows");
        }
        Files.createDirectories(path.resolveSibling("b.parquet.crc32c").resolve("x"));
        Path odd = Files.writeString(path.resolveSibling("b.parquet"), "x");
        try (CachedFiles files = open(ROOMY)) {
            assertThat(odd).doesNotExist();
            assertThat(read(files, path)).isEqualTo("rows");
        }
    }

    @Test
    void whatWasHeldLongestAgoLeavesAndWhatIsHeldStays() throws IOException {
        try (CachedFiles files = open(8)) {
            Path a = given(files, "a", "aaaa");
            Path b = given(files, "b", "bbbb");
            Path c = given(files, "c", "cccc");
            assertThat(read(files, a)).isEqualTo("aaaa");
            assertThat(read(files, b)).isEqualTo("bbbb");
            assertThat(read(files, a)).isEqualTo("aaaa");
            assertThat(read(files, c)).isEqualTo("cccc");
            assertThat(left(files.folder())).containsExactly("a", "a.crc32c", "c", "c.crc32c");

            TableFiles.Held all = files.hold(List.of(a, b, c));
            assertThat(left(files.folder()))
                    .containsExactly("a", "a.crc32c", "b", "b.crc32c", "c", "c.crc32c");
            assertThat(files.counts().bytes()).isEqualTo(12);
            all.close();
            all.close();
            assertThat(files.counts().bytes()).isEqualTo(8);
            assertThat(left(files.folder())).hasSize(4);
        }
        try (CachedFiles smaller = open(4)) {
            assertThat(smaller.counts().bytes()).isEqualTo(4);
        }
    }

    @Test
    void whatNobodyHoldsLeavesWhileTheDiskIsNearlyFull() throws IOException {
        BooleanSupplier hasTwo =
                () ->
                        dir.resolve("cache/a").toFile().exists()
                                && dir.resolve("cache/b").toFile().exists();
        try (CachedFiles files = open(ROOMY, hasTwo)) {
            Path a = given(files, "a", "aaaa");
            Path b = given(files, "b", "bbbb");
            Path c = given(files, "c", "cccc");
            assertThat(read(files, c)).isEqualTo("cccc");
            assertThat(read(files, a)).isEqualTo("aaaa");
            TableFiles.Held both = files.hold(List.of(a, b));
            // c was held longest ago, and its leaving doesn't do; what is held stays
            assertThat(left(files.folder())).containsExactly("a", "a.crc32c", "b", "b.crc32c");
            both.close();
            assertThat(files.counts().bytes()).isEqualTo(4);
            assertThat(left(files.folder())).hasSize(2);
        }
    }

    @Test
    void aCopyThatFillsTheDiskIsMadeAgainWhenOthersHaveLeft() throws IOException {
        AtomicBoolean isShort = new AtomicBoolean();
        try (CachedFiles files = open(ROOMY, isShort::get)) {
            Path old = given(files, "old", "aaaa");
            assertThat(read(files, old)).isEqualTo("aaaa");
            Path path = given(files, "new", "bbbb");
            for (boolean evicts : List.of(false, true)) {
                isShort.set(evicts);
                // takes nothing, as a full disk
                Files.createSymbolicLink(path.resolveSibling("new.part"), Path.of("/dev/full"));
                try (TableFiles.Held held = files.hold(List.of(path))) {
                    assertThat(path).hasContent("bbbb");
                    assertThat(Files.exists(old)).isEqualTo(!evicts);
                }
                files.delete(files.location(path));
                given(files, "new", "bbbb");
            }
        }
    }

    @Test
    void aFileThatIsGoneIsSaidWithWhereItWasAndNothingIsHeldThen() throws IOException {
        try (CachedFiles files = open(4)) {
            Path there = given(files, "there", "aaaa");
            Path gone = files.folder().resolve("gone");
            LakeException e =
                    catchThrowableOfType(
                            LakeException.class, () -> files.hold(List.of(there, gone)));
            assertThat(e.code()).isEqualTo(ErrorCode.STORAGE);
            assertThat(e).hasMessageContaining(files.location(gone) + " is gone");
            // there was released: it leaves for the next one
            Path next = given(files, "next", "bbbb");
            assertThat(read(files, next)).isEqualTo("bbbb");
            assertThat(left(files.folder())).containsExactly("next", "next.crc32c");
        }
    }

    @Test
    void whatAStoreThrowsOnlyWhenItIsReadIsSaidAsWell() throws IOException {
        try (CachedFiles files = open(ROOMY)) {
            Path path = given(files, "t/a", "aaaa");
            io.atFirstRead.set(new NotFoundException("404"));
            assertStorage(() -> files.hold(List.of(path)), files.location(path) + " is gone");
            io.atFirstRead.set(new NullPointerException("of a stream that is no more"));
            assertStorage(
                    () -> files.hold(List.of(path)), files.location(path) + " can't be read now");
            LakeException known = new LakeException(ErrorCode.STORAGE, "The server refuses it.");
            io.atFirstRead.set(known);
            assertThatThrownBy(() -> files.hold(List.of(path))).isSameAs(known);
            assertThat(left(files.folder())).isEmpty();
            assertThat(read(files, path)).isEqualTo("aaaa");
        }
    }

    @Test
    void whatAStoreThrowsWhenItIsWrittenIsSaidAsWell() throws IOException {
        try (CachedFiles files = open(ROOMY)) {
            Path path = Files.writeString(files.folder().resolve("a"), "aaaa");
            LakeException known = new LakeException(ErrorCode.STORAGE, "The server refuses it.");
            io.atClose.set(new CompletionException(known));
            assertThatThrownBy(() -> files.store(path)).isSameAs(known);
            io.atClose.set(new CompletionException(new IllegalStateException("closed")));
            assertStorage(() -> files.store(path), "Can't bring " + path);
            io.atClose.set(new IllegalStateException("closed"));
            assertStorage(() -> files.store(path), "Can't bring " + path);
            files.store(path);
            assertThat(store.resolve("a")).hasContent("aaaa");
        }
    }

    @Test
    void aCopyWhoseChecksumCantBeWrittenIsNone() throws IOException {
        try (CachedFiles files = open(ROOMY)) {
            Path path = given(files, "t/a", "aaaa");
            Path inTheWay = path.resolveSibling("a.crc32c.part");
            Files.createDirectories(inTheWay);
            assertStorage(() -> files.hold(List.of(path)), "Can't keep a copy at " + path);
            assertThat(path).doesNotExist();
            assertThat(inTheWay).doesNotExist();
            assertThat(files.counts().bytes()).isZero();
            assertThat(read(files, path)).isEqualTo("aaaa");
            assertThat(files.counts().bytes()).isEqualTo(4);
        }
    }

    @Test
    void whatWasWrittenInPartIsRemovedAndWrittenAgain() throws IOException {
        try (CachedFiles files = open(ROOMY)) {
            Path path = Files.writeString(files.folder().resolve("a"), "aaaa");
            io.cut.set(true);
            assertStorage(() -> files.store(path), "No more is taken");
            assertThat(left(store)).isEmpty();
            files.store(path);
            assertThat(store.resolve("a")).hasContent("aaaa");
        }
    }

    @Test
    void whatCantBeKeptHereIsNotLeftThereAndWrittenAgain() throws IOException {
        try (CachedFiles files = open(ROOMY)) {
            Path path = Files.writeString(files.folder().resolve("a"), "aaaa");
            Files.createDirectories(path.resolveSibling("a.crc32c.part"));
            assertStorage(() -> files.store(path), "Can't keep a copy at " + path);
            assertThat(left(store)).isEmpty();
            assertThat(path).hasContent("aaaa");
            files.store(path);
            assertThat(store.resolve("a")).hasContent("aaaa");
            assertThat(files.counts().bytes()).isEqualTo(4);
        }
    }

    private static void assertStorage(ThrowingCallable does, String said) {
        LakeException e = catchThrowableOfType(LakeException.class, does);
        assertThat(e.code()).isEqualTo(ErrorCode.STORAGE);
        assertThat(e).hasMessageContaining(said);
    }

    /** Waits until nothing is fetched any more and no copy is left, which nobody may hold. */
    private void awaitNothing(CachedFiles files) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        while (!left(files.folder()).isEmpty() || files.counts().bytes() > 0) {
            assertThat(System.nanoTime()).as("%s", left(files.folder())).isLessThan(deadline);
            Thread.sleep(5);
        }
    }

    @Test
    @Timeout(180)
    void whoHasNoMoreTimeWaitsForNoFileAndHoldsNone() throws Exception {
        try (CachedFiles files = open(0)) {
            List<Path> paths = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                paths.add(given(files, "t/" + i, "rows"));
            }
            CountDownLatch gate = new CountDownLatch(1);
            io.gate.set(gate);
            LakeException e =
                    catchThrowableOfType(
                            LakeException.class, () -> files.hold(paths, Duration.ofMillis(50)));
            assertThat(e.code()).isEqualTo(ErrorCode.TIMEOUT);
            assertThat(e).hasMessageContaining("20 files").hasMessageContaining(files.root());
            io.gate.set(null);
            gate.countDown();
            awaitNothing(files);
            assertThat(read(files, paths.getFirst())).isEqualTo("rows");
        }
    }

    @Test
    @Timeout(180)
    void whoIsInterruptedWaitsForNoFileAndHoldsNone() throws Exception {
        try (CachedFiles files = open(0)) {
            Path path = given(files, "t/a", "rows");
            CountDownLatch gate = new CountDownLatch(1);
            io.gate.set(gate);
            AtomicReference<@Nullable LakeException> said = new AtomicReference<>();
            AtomicBoolean interrupted = new AtomicBoolean();
            Thread reader =
                    Thread.ofVirtual()
                            .start(() -> {
                                said.set(
                                        catchThrowableOfType(
                                                LakeException.class,
                                                () -> files.hold(List.of(path))));
                                interrupted.set(Thread.currentThread().isInterrupted());
                            });
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
            while (io.opened.get() == 0) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.sleep(5);
            }
            reader.interrupt();
            assertThat(reader.join(Duration.ofSeconds(90))).isTrue();
            assertThat(said.get())
                    .isNotNull()
                    .extracting(LakeException::code)
                    .isEqualTo(ErrorCode.CANCELLED);
            assertThat(interrupted).isTrue();
            // somebody else still wants it
            io.gate.set(null);
            gate.countDown();
            assertThat(read(files, path)).isEqualTo("rows");
            awaitNothing(files);
        }
    }

    @Test
    void whatIsDeletedIsGoneHereAndThere() throws IOException {
        try (CachedFiles files = open(ROOMY)) {
            Path path = given(files, "t/a", "aaaa");
            assertThat(read(files, path)).isEqualTo("aaaa");
            files.delete(files.location(path));
            assertThat(left(files.folder())).isEmpty();
            assertThat(left(store)).isEmpty();
            assertThat(files.counts().bytes()).isZero();
        }
    }

    @Test
    void aLocationElsewhereHasNoPath() {
        try (CachedFiles files = open(ROOMY)) {
            for (String location :
                    List.of(
                            "s3://other/x",
                            files.root(),
                            files.root() + "/../x",
                            files.root() + "/a//b",
                            files.root() + "x/y")) {
                assertThatThrownBy(() -> files.path(location))
                        .isInstanceOf(LakeException.class)
                        .hasMessageContaining("doesn't lie below");
            }
        }
    }
}
