package org.tonle.files;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.tonle.definition.FileFormat;

/** Opens a file by what its name says of its format and compression. */
final class OpenFile {
    private static final int BUFFER = 64 << 10;

    private OpenFile() {}

    /** Whether a file of this name holds records, and isn't one as a whole. */
    static boolean isKnown(String name, Optional<FileFormat> format) {
        return !format.equals(Optional.of(FileFormat.OBJECT))
                && (format.isPresent() || ending(name).equals("zip") || known(name).isPresent());
    }

    private static Optional<FileFormat> known(String name) {
        return FileFormat.of(plainName(name));
    }

    /**
     * Opens a file to be read from its beginning.
     *
     * @param name by which it {@linkplain #isKnown is known}
     * @param format what it is whatever its name
     * @throws IOException if it can't be opened or isn't compressed as its name says
     */
    static PieceReader of(String name, Path file, Optional<FileFormat> format) throws IOException {
        if (ending(name).equals("zip")) {
            return new ZipReader(file, format);
        }
        FileFormat known = format.or(() -> known(name)).orElseThrow();
        if (plainName(name).equals(name)) {
            if (known == FileFormat.PARQUET) {
                return RecordReader.parquet(file);
            }
            if (known == FileFormat.AVRO) {
                return RecordReader.avro(file);
            }
        }
        InputStream in = Files.newInputStream(file);
        try {
            return of(name, in, Files.size(file), format).orElseThrow();
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
    }

    /**
     * Reads what has this name; empty if nothing is known that does.
     *
     * @param in closed with the reader
     * @param size of what is read, compressed
     */
    static Optional<PieceReader> of(
            String name, InputStream in, long size, Optional<FileFormat> format)
            throws IOException {
        Optional<FileFormat> known = format.or(() -> known(name));
        if (known.isEmpty()) {
            return Optional.empty();
        }
        InputStream plain =
                switch (ending(name)) {
                    case "gz" ->
                            new Inflation(
                                    new GZIPInputStream(new BufferedInputStream(in), BUFFER), size);
                    case "zst" -> new Inflation(new ZstdInputStream(in), size);
                    default -> in;
                };
        return Optional.of(
                switch (known.get()) {
                    case NDJSON -> new LineReader(plain);
                    case JSON -> new JsonReader(plain);
                    case CSV -> new CsvReader(plain, ',');
                    case TSV -> new CsvReader(plain, '\t');
                    case AVRO -> RecordReader.avro(plain);
                    case OBJECT -> throw new IllegalArgumentException(name);
                    // it is read from its end
                    case PARQUET ->
                            PieceReader.broken(
                                    "Parquet is read only where it isn't packed in something else");
                });
    }

    private static String ending(String name) {
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }

    private static String plainName(String name) {
        return switch (ending(name)) {
            case "gz", "zst" -> name.substring(0, name.lastIndexOf('.'));
            default -> name;
        };
    }
}
