package org.tonle.openlineage;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file that grows by a line per event. It is opened for each, so that it may be moved away at any
 * time.
 */
final class LineageFile implements Destination {
    private final Path path;

    /** The last write failed, and may have left a part of a line. */
    private boolean torn;

    LineageFile(Path path) {
        this.path = path;
    }

    @Override
    public void send(byte[] event) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(event.length + 2);
        if (torn) {
            line.write('\n');
        }
        line.writeBytes(event);
        line.write('\n');
        torn = true;
        Files.createDirectories(path.getParent());
        // in one write, or events of two processes may mix
        Files.write(path, line.toByteArray(), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        torn = false;
    }

    @Override
    public void close() {
        // nothing is open between two events
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
