package org.tonle.duckdb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.tonle.sql.WrittenFile;

/** Writes the rows of a SELECT as one Parquet file with Iceberg's field ids. */
final class ParquetCopy {
    private static final int ROW_GROUP_ROWS = 122_880;

    private ParquetCopy() {}

    /**
     * Writes the file, or none if there is no row. Whatever goes wrong, nothing is left behind.
     *
     * @param select gives the schema's columns, by name
     */
    static List<WrittenFile> write(Session session, String select, Schema schema, Path file) {
        boolean done = false;
        try {
            List<WrittenFile> written = session.call(() -> copy(session, select, schema, file));
            done = !written.isEmpty();
            return written;
        } finally {
            if (!done) {
                remove(file);
            }
        }
    }

    private static List<WrittenFile> copy(Session session, String select, Schema schema, Path file)
            throws SQLException, IOException {
        String sql =
                "COPY ("
                        + select
                        + ") TO "
                        + DuckTypes.text(file.toString())
                        + " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE "
                        + ROW_GROUP_ROWS
                        + ", FIELD_IDS {"
                        + fields(schema.columns())
                        + "})";
        try (Statement statement = session.statement()) {
            long rows = statement.executeLargeUpdate(sql);
            return rows == 0 ? List.of() : List.of(new WrittenFile(file, rows, Files.size(file)));
        }
    }

    private static String fields(List<Types.NestedField> fields) {
        return fields.stream()
                .map(field ->
                        DuckTypes.text(field.name()) + ":" + id(field.fieldId(), field.type()))
                .collect(Collectors.joining(","));
    }

    private static String id(int id, Type type) {
        return switch (type.typeId()) {
            case LIST ->
                    nested(
                            id,
                            "element:"
                                    + id(
                                            type.asListType().elementId(),
                                            type.asListType().elementType()));
            case MAP ->
                    nested(
                            id,
                            "key:"
                                    + id(type.asMapType().keyId(), type.asMapType().keyType())
                                    + ",value:"
                                    + id(type.asMapType().valueId(), type.asMapType().valueType()));
            case STRUCT -> nested(id, fields(type.asStructType().fields()));
            default -> Integer.toString(id);
        };
    }

    private static String nested(int id, String inner) {
        return "{__duckdb_field_id:" + id + "," + inner + "}";
    }

    static void remove(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
