package org.tonle.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.api.Binary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our pages against those of parquet-java's record writer, read by DuckDB and by parquet-java. */
class BronzePagesTest {
    @TempDir Path dir;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void whatIsWrittenIsReadAsTheLibrarysIs(int seed) throws Exception {
        Path ours = dir.resolve("ours.parquet");
        Path library = dir.resolve("library.parquet");
        Path copy = dir.resolve("copy.parquet");
        long rows = writeBoth(seed, ours, library);
        try (BronzeFile again = BronzeFile.create(copy, copy.toString(), 0)) {
            BronzeRows.copy(ours, again);
            again.finish();
        }
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:")) {
            for (Path file : List.of(ours, library, copy)) {
                assertThat(ask(connection, "SELECT count(*) FROM '" + file + "'"))
                        .isEqualTo(Long.toString(rows));
            }
            for (Path other : List.of(library, copy)) {
                assertThat(difference(connection, ours, other)).isEqualTo("0");
                assertThat(difference(connection, other, ours)).isEqualTo("0");
            }
        }
    }

    private static String difference(Connection connection, Path left, Path right)
            throws SQLException {
        return ask(
                connection,
                "SELECT count(*) FROM (SELECT * FROM '%s' EXCEPT ALL SELECT * FROM '%s')"
                        .formatted(left, right));
    }

    private static String ask(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            result.next();
            return result.getString(1);
        }
    }

    private static long writeBoth(int seed, Path ours, Path library) throws IOException {
        Random random = new Random(seed);
        long rows = 0;
        try (BronzeFile file = BronzeFile.create(ours, ours.toString(), 0);
                ParquetWriter<BronzeRow> writer =
                        new Builder(new LocalOutputFile(library))
                                .withConf(new PlainParquetConfiguration())
                                .withCodecFactory(new ZstdPages())
                                .withCompressionCodec(CompressionCodecName.ZSTD)
                                .build()) {
            BronzeRow row = new BronzeRow();
            row.source = Binary.fromString("flights");
            row.topic = Binary.fromString("tonle.t.flights");
            int bodies = random.nextInt(1, 400);
            // values that are too many and too large for a dictionary, every third time
            boolean large = seed % 3 == 0;
            int perBody = large ? 1 : random.nextInt(1, 300);
            int keyLength = large ? 20_000 : 36;
            boolean allWithout = random.nextInt(4) == 0;
            for (int body = 0; body < bodies; body++) {
                row.ingestTimeMicros = random.nextLong(1_000_000_000_000L);
                row.partition = random.nextInt(3);
                row.position = body;
                row.contentType =
                        Binary.fromString(random.nextInt(9) == 0 ? "" : "application/json");
                row.headers = allWithout ? List.of() : headers(random, keyLength);
                int events = random.nextInt(perBody) + 1;
                for (int i = 0; i < events; i++) {
                    row.index = i;
                    row.eventId = Binary.fromString("id-é-" + random.nextInt());
                    row.eventTimeMicros =
                            random.nextInt(3) == 0 ? EventTime.NONE : random.nextLong(1L << 50);
                    row.key = random.nextBoolean() ? null : Binary.fromString("k" + i);
                    row.payload = Binary.fromString("x".repeat(random.nextInt(200)));
                    file.write(row);
                    writer.write(row);
                    rows++;
                }
            }
            DataFile finished = file.finish();
            assertThat(finished.recordCount()).isEqualTo(rows);
        }
        return rows;
    }

    private static List<BronzeRow.HeaderEntry> headers(Random random, int keyLength) {
        List<BronzeRow.HeaderEntry> headers = new ArrayList<>();
        for (int n = random.nextInt(4); n > 0; n--) {
            headers.add(
                    new BronzeRow.HeaderEntry(
                            Binary.fromString("name" + n),
                            Binary.fromString(random.nextInt() + "-".repeat(keyLength))));
        }
        return headers;
    }

    @Test
    void severalRowGroupsHoldMoreThanOneCanAndTheBoundsAreTrue() throws Exception {
        Path path = dir.resolve("large.parquet");
        int rows = 150;
        BronzeRow row = new BronzeRow();
        row.payload = Binary.fromString("y".repeat(1 << 20));
        DataFile file;
        try (BronzeFile large = BronzeFile.create(path, path.toString(), 20_000)) {
            for (int i = 0; i < rows; i++) {
                row.position = 7 + i;
                row.ingestTimeMicros = 1_000 + i;
                row.eventId = Binary.fromString("e" + i);
                large.write(row);
            }
            file = large.finish();
        }
        assertThat(file.splitOffsets()).hasSizeGreaterThan(1);
        assertThat(file.fileSizeInBytes()).isEqualTo(Files.size(path));
        assertThat(
                        (Long)
                                Conversions.fromByteBuffer(
                                        Types.LongType.get(), file.lowerBounds().get(7)))
                .isEqualTo(7L);
        assertThat(
                        (Long)
                                Conversions.fromByteBuffer(
                                        Types.LongType.get(), file.upperBounds().get(7)))
                .isEqualTo(6L + rows);
        assertThat(
                        (Long)
                                Conversions.fromByteBuffer(
                                        Types.LongType.get(), file.upperBounds().get(3)))
                .isEqualTo(999L + rows);
        // all missing
        assertThat(file.nullValueCounts())
                .containsEntry(2, (long) rows)
                .containsEntry(9, (long) rows);
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:")) {
            assertThat(
                            ask(
                                    connection,
                                    "SELECT count(*) || '|' || sum(length(payload)) || '|' || max(position) FROM '"
                                            + path
                                            + "' WHERE position > 6"))
                    .isEqualTo(rows + "|" + ((long) rows << 20) + "|" + (6 + rows));
        }
    }

    @Test
    void requestsAreFoundAgainInWhatWasWritten() throws Exception {
        Path path = dir.resolve("keys.parquet");
        try (BronzeFile file = BronzeFile.create(path, path.toString(), 0)) {
            BronzeRow row = new BronzeRow();
            for (int body = 0; body < 50; body++) {
                row.position = body;
                row.headers =
                        body % 2 == 0
                                ? List.of()
                                : List.of(
                                        entry(BodyRows.KEY_HEADER, "k" + body),
                                        entry(BodyRows.EVENTS_HEADER, "3"),
                                        entry(BodyRows.HASH_HEADER, "0".repeat(31) + "1"));
                for (int i = 0; i < 3; i++) {
                    row.index = i;
                    file.write(row);
                }
            }
            file.finish();
        }
        List<String> found = new ArrayList<>();
        BronzeKeys.read(
                path,
                (key, entry) -> {
                    assertThat(key).isEqualTo(RequestKey.of("k" + entry.position()));
                    assertThat(entry.events()).isEqualTo(3);
                    found.add("k" + entry.position());
                });
        assertThat(found).hasSize(25).doesNotHaveDuplicates();
    }

    private static BronzeRow.HeaderEntry entry(String name, String value) {
        return new BronzeRow.HeaderEntry(Binary.fromString(name), Binary.fromString(value));
    }

    private static final class Builder extends ParquetWriter.Builder<BronzeRow, Builder> {
        Builder(OutputFile file) {
            super(file);
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        @SuppressWarnings("deprecation") // abstract in the library, so it must be here
        protected WriteSupport<BronzeRow> getWriteSupport(Configuration configuration) {
            return new BronzeWriteSupport();
        }

        @Override
        protected WriteSupport<BronzeRow> getWriteSupport(ParquetConfiguration configuration) {
            return new BronzeWriteSupport();
        }
    }
}
