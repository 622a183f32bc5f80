package org.tonle.duckdb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Databases for statements that have memory of their own, because DuckDB's limit is one for a whole
 * database: each is for one statement at a time, and then kept for the next one with the same limit
 * as long as there is room, since opening one takes some 20 ms. Thread-safe.
 */
final class OwnDatabases implements AutoCloseable {
    private static final String NAME = "own-";

    /** With less, its operators couldn't hold what they need at once. */
    private static final long MEMORY_OF_A_THREAD = 64L << 20;

    private final DuckDbSettings settings;
    private final List<Database> idle = new ArrayList<>();
    private long open;
    private int made;
    private boolean closed;

    OwnDatabases(DuckDbSettings settings) {
        this.settings = settings;
        clear(settings.temporary());
    }

    /** One for a statement alone, until it is given back. */
    Database take(long memoryBytes) {
        Path temporary;
        synchronized (this) {
            for (Iterator<Database> each = idle.iterator(); each.hasNext(); ) {
                Database database = each.next();
                if (database.memoryBytes() == memoryBytes) {
                    each.remove();
                    return database;
                }
            }
            while (!idle.isEmpty() && open + memoryBytes > settings.ownBytes()) {
                end(idle.removeFirst());
            }
            open += memoryBytes;
            temporary = settings.temporary().resolve(NAME + ++made);
        }
        try {
            return Database.open(
                    settings,
                    temporary,
                    memoryBytes,
                    Math.clamp(memoryBytes / MEMORY_OF_A_THREAD, 1, settings.threads()));
        } catch (RuntimeException | Error e) {
            synchronized (this) {
                open -= memoryBytes;
            }
            throw e;
        }
    }

    synchronized void giveBack(Database database) {
        if (closed || open > settings.ownBytes()) {
            end(database);
        } else {
            idle.add(database);
        }
    }

    private void end(Database database) {
        open -= database.memoryBytes();
        database.close();
        delete(database.temporary());
    }

    /** What a process that was killed has left. */
    private static void clear(Path temporary) {
        try (Stream<Path> left = Files.list(temporary)) {
            left.filter(path -> path.getFileName().toString().startsWith(NAME))
                    .forEach(OwnDatabases::delete);
        } catch (IOException e) {
            throw new LakeException(ErrorCode.STORAGE, "can't clear " + temporary + ": " + e, e);
        }
    }

    private static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (NoSuchFileException e) {
            // DuckDB deletes a directory that it made itself
        } catch (IOException | UncheckedIOException e) {
            throw new LakeException(ErrorCode.STORAGE, "can't delete " + directory + ": " + e, e);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        idle.forEach(this::end);
        idle.clear();
    }
}
