package org.tonle.definition;

import java.util.Locale;
import java.util.Optional;

/** How a file holds its events; as an object it is one event itself. */
public enum FileFormat {
    CSV,
    TSV,
    JSON,
    NDJSON,
    AVRO,
    PARQUET,
    OBJECT;

    /** As a definition names it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Of a file with this name, without what says how it is compressed. */
    public static Optional<FileFormat> of(String fileName) {
        String ending = fileName.substring(fileName.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return switch (ending) {
            case "csv" -> Optional.of(CSV);
            case "tsv", "tab" -> Optional.of(TSV);
            case "json" -> Optional.of(JSON);
            case "ndjson", "jsonl" -> Optional.of(NDJSON);
            case "avro" -> Optional.of(AVRO);
            case "parquet" -> Optional.of(PARQUET);
            default -> Optional.empty();
        };
    }
}
