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

    /**
     * Opens a file to be read from its beginning.
     *
     * @param format what it is whatever its name
     * @return empty if nothing is known that reads it
     * @throws IOException if it can't be opened or isn't compressed as its name says
     */
    static Optional<PieceReader> of(Path file, Optional<FileFormat> format) throws IOException {
        String name = file.getFileName().toString();
        if (ending(name).equals("zip")) {
            return Optional.of(new ZipReader(file, format));
        }
        Optional<FileFormat> known = format.or(() -> FileFormat.of(plainName(name)));
        if (known.isEmpty()) {
            return Optional.empty();
        }
        if (plainName(name).equals(name)) {
            if (known.get() == FileFormat.PARQUET) {
                return Optional.of(RecordReader.parquet(file));
            }
            if (known.get() == FileFormat.AVRO) {
                return Optional.of(RecordReader.avro(file));
            }
        }
        InputStream in = Files.newInputStream(file);
        try {
            return of(name, in, Files.size(file), format);
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
    }

    /**
     * Reads what has this name.
     *
     * @param in closed with the reader
     * @param size of what is read, compressed
     */
    static Optional<PieceReader> of(
            String name, InputStream in, long size, Optional<FileFormat> format)
            throws IOException {
        Optional<FileFormat> known = format.or(() -> FileFormat.of(plainName(name)));
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
