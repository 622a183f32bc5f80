package org.tonle.query;

import java.io.IOException;
import java.util.List;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.types.Types;

/** Writes rows in one form. */
sealed interface RowWriter permits JsonRows, CsvRows {
    void begin(List<Types.NestedField> columns) throws IOException;

    void write(VectorSchemaRoot batch) throws IOException;

    void end() throws IOException;
}
