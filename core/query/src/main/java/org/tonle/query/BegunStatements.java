package org.tonle.query;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.tonle.ledger.AuditRecord;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Statements that have begun, in files of this process alone: each is noted before anything works
 * on it, and forgotten when its record is in the ledger. A process that is killed leaves those that
 * it hadn't come to the end of. The files are written in full when they are made and used again, so
 * that a disk that is full keeps no statement from being noted. Thread-safe.
 */
final class BegunStatements implements AutoCloseable {
    private static final int SPARE_FILES = 1;

    private final Path directory;
    private final ReentrantLock lock = new ReentrantLock();
    private final Set<NoteFile> files = new HashSet<>();
    private final Deque<NoteFile> spare = new ArrayDeque<>();
    private NoteFile current;
    private int made;
    private long uses;

    private BegunStatements(Path directory) throws IOException {
        this.directory = directory;
        for (int i = 0; i <= SPARE_FILES; i++) {
            spare.add(make());
        }
        this.current = use();
    }

    /**
     * Begins with none.
     *
     * @param directory of this process alone
     * @param lost is given those that another process has left there, as records
     * @throws LakeException STORAGE; what {@code lost} throws: they are still there then
     */
    static BegunStatements open(Path directory, Consumer<List<AuditRecord>> lost) {
        try {
            Files.createDirectories(directory);
            List<Path> left;
            try (Stream<Path> files = Files.list(directory)) {
                left = files.sorted().toList();
            }
            for (Path file : left) {
                List<AuditRecord> records = new ArrayList<>();
                for (byte[] note : NoteFile.read(file)) {
                    records.add(decode(note));
                }
                if (!records.isEmpty()) {
                    lost.accept(records);
                }
            }
            for (Path file : left) {
                Files.delete(file);
            }
            return new BegunStatements(directory);
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "Statements can't be noted for the audit in " + directory + ": " + e,
                    e);
        }
    }

    /**
     * Notes a statement: from now on the next process will know of it, unless the machine loses its
     * power.
     *
     * @throws LakeException STORAGE: it must not be run
     */
    NoteFile.Note note(AuditRecord begun) {
        byte[] bytes = encode(begun);
        lock.lock();
        try {
            if (!current.takes(bytes.length)) {
                NoteFile full = current;
                current = use();
                release(full);
            }
            return current.append(bytes);
        } catch (IOException e) {
            throw refused(e);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until a note is on the disk; many at once share the effort. To be called by a thread
     * that nobody interrupts, which would close the file.
     *
     * @throws LakeException STORAGE: nothing of its answer may be sent
     */
    void force(NoteFile.Note note) {
        try {
            note.force();
        } catch (IOException e) {
            throw refused(e);
        }
    }

    /** Its record is in the ledger. */
    void forget(NoteFile.Note note) {
        lock.lock();
        try {
            note.file().forget();
            if (note.file() != current) {
                release(note.file());
            }
        } finally {
            lock.unlock();
        }
    }

    private NoteFile use() throws IOException {
        NoteFile next = spare.isEmpty() ? make() : spare.remove();
        next.begin(++uses);
        return next;
    }

    private NoteFile make() throws IOException {
        NoteFile file = new NoteFile(directory.resolve("begun-" + ++made));
        files.add(file);
        return file;
    }

    /** A file that isn't written to any more is kept for another use, or goes. */
    private void release(NoteFile file) {
        if (file.live() > 0) {
            return;
        }
        if (!file.isBroken() && spare.size() < SPARE_FILES) {
            spare.add(file);
        } else {
            files.remove(file);
            file.remove();
        }
    }

    private LakeException refused(IOException e) {
        return new LakeException(
                ErrorCode.STORAGE,
                "The statement was not run, because it can't be noted for the audit in "
                        + directory
                        + ": "
                        + e.getMessage(),
                e);
    }

    /** Those that are noted stay for the next process. */
    @Override
    public void close() {
        lock.lock();
        try {
            for (NoteFile file : files) {
                if (file.live() == 0) {
                    file.remove();
                } else {
                    file.close();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private static byte[] encode(AuditRecord record) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.write(new byte[NoteFile.HEAD]);
            out.writeLong(record.id().getMostSignificantBits());
            out.writeLong(record.id().getLeastSignificantBits());
            Instant started = record.started();
            out.writeLong(started.getEpochSecond());
            out.writeInt(started.getNano());
            text(out, record.principal());
            text(out, record.statement());
            text(out, record.sha256().orElse(""));
        } catch (IOException e) {
            throw new IllegalStateException("memory takes what is written", e);
        }
        return bytes.toByteArray();
    }

    private static void text(DataOutputStream out, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static AuditRecord decode(byte[] note) throws IOException {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(note))) {
            UUID id = new UUID(in.readLong(), in.readLong());
            Instant started = Instant.ofEpochSecond(in.readLong(), in.readInt());
            return lost(
                    id,
                    started,
                    text(in),
                    text(in),
                    Optional.of(text(in)).filter(hash -> !hash.isEmpty()));
        }
    }

    private static String text(DataInputStream in) throws IOException {
        return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    }

    /** The record of a statement of which it is known that it has begun, and nothing else. */
    static AuditRecord lost(
            UUID id, Instant started, String principal, String statement, Optional<String> sha256) {
        return new AuditRecord(
                id,
                started,
                principal,
                statement,
                sha256,
                List.of(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                Optional.empty(),
                AuditRecord.LOST,
                Optional.of("the process ended before the statement did"));
    }
}
