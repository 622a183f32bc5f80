package org.tonle.files;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.FileFormat;

/** The files of an archive, one after the other in its order. */
final class ZipReader implements PieceReader {
    private final ZipFile zip;
    private final Iterator<? extends ZipEntry> entries;
    private final Optional<FileFormat> format;
    private String part = "";
    private @Nullable PieceReader reader;

    ZipReader(Path file, Optional<FileFormat> format) throws IOException {
        this.zip = new ZipFile(file.toFile());
        this.entries = zip.entries().asIterator();
        this.format = format;
    }

    @Override
    public @Nullable Piece next() throws IOException {
        while (true) {
            PieceReader open = reader;
            if (open == null) {
                if (!entries.hasNext()) {
                    return null;
                }
                Piece unknown = open(entries.next());
                if (unknown != null) {
                    return unknown;
                }
                continue;
            }
            try {
                Piece piece = open.next();
                if (piece != null) {
                    return piece.in(part);
                }
            } catch (IOException e) {
                // the next file may be whole
                end(open);
                return broken(e);
            }
            end(open);
        }
    }

    private void end(PieceReader ended) throws IOException {
        ended.close();
        reader = null;
    }

    private Piece broken(IOException e) {
        return Piece.unreadable(new byte[0], PieceReader.why(e)).because(e).in(part);
    }

    /** A piece in place of a file that nothing reads. */
    private @Nullable Piece open(ZipEntry entry) throws IOException {
        if (entry.isDirectory()) {
            return null;
        }
        part = entry.getName();
        try {
            reader =
                    OpenFile.of(
                                    entry.getName(),
                                    new Inflation(
                                            zip.getInputStream(entry),
                                            Math.max(0, entry.getCompressedSize())),
                                    Math.max(0, entry.getCompressedSize()),
                                    format)
                            .orElse(null);
        } catch (IOException e) {
            return broken(e);
        }
        return reader == null
                ? Piece.unreadable(
                                new byte[0],
                                "nothing reads files of this kind; name one with format:")
                        .in(part)
                : null;
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }
}
