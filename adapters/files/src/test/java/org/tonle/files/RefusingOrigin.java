package org.tonle.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Another origin some of whose files may not be read. */
record RefusingOrigin(FileOrigin origin, Set<String> names) implements FileOrigin {
    @Override
    public void require() {
        origin.require();
    }

    @Override
    public Page list(Optional<String> from) throws IOException {
        Page page = origin.list(from);
        List<String> folders = names.stream().filter(name -> name.endsWith("/")).toList();
        return new Page(page.files(), page.next(), folders);
    }

    @Override
    public Optional<Path> local(Found file) {
        return Optional.empty();
    }

    @Override
    public InputStream open(Found file, long offset) throws IOException {
        if (names.contains(file.name())) {
            throw new RefusedFileException(file.name(), new AccessDeniedException(file.name()));
        }
        return origin.open(file, offset);
    }

    @Override
    public boolean isStill(Found file) throws IOException {
        return origin.isStill(file);
    }

    @Override
    public void close() throws IOException {
        origin.close();
    }
}
