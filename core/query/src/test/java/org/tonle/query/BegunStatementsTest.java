package org.tonle.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.ledger.AuditRecord;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** What a process leaves of the statements that it had begun. */
class BegunStatementsTest {
    private static final Instant THEN = Instant.parse("2026-11-23T04:05:06.123456789Z");
    private static final String LONG = "x".repeat(60_000);

    @TempDir private Path temp;
    private Path directory;

    @BeforeEach
    void name() {
        directory = temp.resolve("audit");
    }

    private BegunStatements begin() {
        return begin(directory, new ArrayList<>());
    }

    private static BegunStatements begin(Path directory, List<AuditRecord> lost) {
        return BegunStatements.open(directory, lost::addAll);
    }

    private static AuditRecord record(String statement) {
        return BegunStatements.lost(UUID.randomUUID(), THEN, "ada", statement, Optional.empty());
    }

    /** What the next process would find if this one were killed now. */
    private List<AuditRecord> left() throws IOException {
        Path copy = Files.createTempDirectory(temp, "killed");
        for (Path file : files()) {
            Files.copy(file, copy.resolve(file.getFileName()));
        }
        List<AuditRecord> lost = new ArrayList<>();
        begin(copy, lost).close();
        return lost;
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        }
    }

    @Test
    void whatHasBegunIsFoundAsItWasAndOnce() throws IOException {
        AuditRecord odd =
                BegunStatements.lost(
                        UUID.randomUUID(), THEN, "zoë", "SELECT '日本 \0'", Optional.of("abc"));
        AuditRecord empty = record("");
        List<AuditRecord> lost = new ArrayList<>();
        try (BegunStatements begun = begin()) {
            begun.note(odd);
            begun.force(begun.note(empty));
            assertThat(left()).containsExactly(odd, empty);
        }
        begin(directory, lost).close();
        assertThat(lost).as("closing forgets nothing").containsExactly(odd, empty);
        assertThat(lost.getFirst().outcome()).isEqualTo("LOST");
        begin(directory, lost).close();
        assertThat(lost).hasSize(2);
        assertThat(files()).isEmpty();
    }

    @Test
    void whatCannotBeTakenOverStaysWhereItIs() throws IOException {
        AuditRecord one = record("SELECT 1");
        try (BegunStatements begun = begin()) {
            begun.note(one);
        }
        assertThatThrownBy(() ->
                        BegunStatements.open(
                                directory,
                                lost -> {
                                    throw new LakeException(ErrorCode.LEDGER_UNAVAILABLE, "away");
                                }))
                .hasMessage("away");
        assertThat(left()).containsExactly(one);
    }

    @Test
    void filesAreUsedAgainAndOnlyWhatIsNotForgottenIsLeft() throws IOException {
        try (BegunStatements begun = begin()) {
            AuditRecord first = record("SELECT 'hours'");
            NoteFile.Note long1 = begun.note(first);
            Deque<NoteFile.Note> notes = new ArrayDeque<>();
            for (int i = 0; i < 1000; i++) {
                notes.add(begun.note(record(i + LONG)));
                if (notes.size() > 3) {
                    begun.forget(notes.remove());
                }
            }
            assertThat(files()).as("60 MB went through").hasSizeLessThanOrEqualTo(3);
            List<String> left = statements(left());
            assertThat(left).contains(first.statement());
            assertThat(left.subList(left.size() - 3, left.size()))
                    .containsExactly(997 + LONG, 998 + LONG, 999 + LONG);
            begun.forget(long1);
            notes.forEach(begun::forget);
            for (int i = 0; i < 200; i++) {
                begun.forget(begun.note(record(i + LONG)));
            }
            assertThat(files()).hasSizeLessThanOrEqualTo(2);
        }
        assertThat(files()).as("nothing is left").isEmpty();
    }

    private static List<String> statements(List<AuditRecord> records) {
        return records.stream().map(AuditRecord::statement).toList();
    }

    @Test
    void whatAnEarlierUseOfAFileHasLeftDoesNotCount() throws IOException {
        try (BegunStatements begun = begin()) {
            // notes of one length, so that an old one stands exactly behind the last new one
            List<UUID> live = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                live.clear();
                AuditRecord record = record(LONG);
                live.add(record.id());
                begun.forget(begun.note(record));
            }
            begun.note(record("last"));
            List<AuditRecord> left = left();
            assertThat(left).hasSizeLessThan(2 * 70);
            assertThat(left.stream().map(AuditRecord::id).distinct().toList())
                    .hasSameSizeAs(left)
                    .containsAll(live);
        }
    }

    @Test
    void aNoteThatIsTornEndsItsFile() throws IOException {
        AuditRecord one = record("SELECT 1");
        AuditRecord two = record("SELECT 2");
        try (BegunStatements begun = begin()) {
            begun.note(one);
            begun.note(two);
        }
        Path file = files().getFirst();
        byte[] bytes = Files.readAllBytes(file);
        int end = 0;
        for (int i = 0; i < bytes.length; i++) {
            end = bytes[i] == 0 ? end : i;
        }
        try (RandomAccessFile torn = new RandomAccessFile(file.toFile(), "rw")) {
            torn.seek(end - 2);
            torn.write('3');
        }
        assertThat(left()).containsExactly(one);
        try (RandomAccessFile torn = new RandomAccessFile(file.toFile(), "rw")) {
            torn.setLength(end - 5);
        }
        assertThat(left()).containsExactly(one);
        try (RandomAccessFile torn = new RandomAccessFile(file.toFile(), "rw")) {
            torn.setLength(3);
        }
        assertThat(left()).isEmpty();
    }

    @Test
    void aFullDiskKeepsNothingFromBeingNotedUntilBothFilesAreFull() throws IOException {
        try (BegunStatements begun = begin()) {
            // whatever else is made there is on a disk without room
            for (int i = 3; i < 10; i++) {
                Files.createSymbolicLink(directory.resolve("begun-" + i), Path.of("/dev/full"));
            }
            List<NoteFile.Note> notes = new ArrayList<>();
            assertThatThrownBy(
                            () -> {
                                while (true) {
                                    notes.add(begun.note(record(LONG)));
                                }
                            })
                    .hasMessageContaining("The statement was not run")
                    .hasMessageContaining("No space left")
                    .satisfies(e ->
                            assertThat(((LakeException) e).code()).isEqualTo(ErrorCode.STORAGE));
            assertThat(notes).hasSizeGreaterThan(130);
            begun.note(record("a short one"));
            assertThatThrownBy(() -> begun.note(record(LONG)));
            notes.subList(0, 70).forEach(begun::forget);
            begun.note(record("there is room again" + LONG));
        }
    }

    @Test
    void manyAtOnceAreNotedWholeAndForced() throws IOException {
        List<AuditRecord> all = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            all.add(record(i + "y".repeat(i * 10)));
        }
        try (BegunStatements begun = begin()) {
            List<CompletableFuture<Void>> noted = new ArrayList<>();
            for (AuditRecord record : all) {
                noted.add(
                        CompletableFuture.runAsync(
                                () -> begun.force(begun.note(record)), Thread::startVirtualThread));
            }
            noted.forEach(CompletableFuture::join);
            assertThat(left()).containsExactlyInAnyOrderElementsOf(all);
        }
    }
}
