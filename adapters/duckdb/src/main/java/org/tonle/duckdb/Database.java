package org.tonle.duckdb;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import java.util.stream.Collectors;
import org.duckdb.DuckDBConnection;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * An empty DuckDB database in memory. It reaches only the directories it was given, loads no
 * extension, and takes no setting after it was opened. What it may use is for all its connections
 * together.
 */
final class Database implements AutoCloseable {
    private final DuckDBConnection connection;
    private final Path temporary;
    private final long memoryBytes;
    private final String version;

    private Database(
            DuckDBConnection connection, Path temporary, long memoryBytes, String version) {
        this.connection = connection;
        this.temporary = temporary;
        this.memoryBytes = memoryBytes;
        this.version = version;
    }

    /**
     * Opens one.
     *
     * @param temporary of this one alone
     */
    static Database open(DuckDbSettings settings, Path temporary, long memoryBytes, int threads) {
        Properties properties = new Properties();
        properties.setProperty("jdbc_stream_results", "true");
        properties.setProperty("autoload_known_extensions", "false");
        properties.setProperty("autoinstall_known_extensions", "false");
        properties.setProperty("allow_community_extensions", "false");
        try {
            DuckDBConnection database =
                    DriverManager.getConnection("jdbc:duckdb:", properties)
                            .unwrap(DuckDBConnection.class);
            try (Statement statement = database.createStatement()) {
                statement.execute("SET GLOBAL memory_limit='" + memoryBytes + "B'");
                statement.execute("SET GLOBAL threads=" + threads);
                statement.execute(
                        "SET GLOBAL temp_directory=" + DuckTypes.text(temporary.toString()));
                statement.execute(
                        "SET GLOBAL max_temp_directory_size='"
                                + spilledBytes(temporary, memoryBytes)
                                + "B'");
                statement.execute("SET GLOBAL TimeZone='UTC'");
                statement.execute("SET GLOBAL error_on_division_by_zero=true");
                statement.execute("SET GLOBAL ieee_floating_point_ops=false");
                // statements are refused at a depth of their own; printing deepens them a little
                statement.execute("SET GLOBAL max_expression_depth=4000");
                statement.execute("SET GLOBAL preserve_insertion_order=true");
                statement.execute(
                        "SET GLOBAL allowed_directories="
                                + settings.readable().stream()
                                        .map(path -> DuckTypes.text(path.toString()))
                                        .collect(Collectors.joining(",", "[", "]")));
                statement.execute("SET GLOBAL enable_external_access=false");
                statement.execute("SET GLOBAL lock_configuration=true");
                return new Database(database, temporary, memoryBytes, version(statement));
            }
        } catch (SQLException | IOException e) {
            throw new LakeException(
                    ErrorCode.NOT_READY, "DuckDB can't be opened: " + e.getMessage(), e);
        }
    }

    /**
     * What may be on disk of all its statements together. DuckDB keeps an eighth of it in memory,
     * beside what its limit counts; and the lake needs room on that disk, too.
     */
    private static long spilledBytes(Path temporary, long memoryBytes) throws IOException {
        return Math.min(
                8 * memoryBytes,
                Files.getFileStore(Files.createDirectories(temporary)).getUsableSpace() / 2);
    }

    private static String version(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery("SELECT version()")) {
            if (!row.next()) {
                throw new SQLException("it doesn't say which version it is");
            }
            return row.getString(1);
        }
    }

    /** Another connection to it. */
    DuckDBConnection connect() throws SQLException {
        return connection.duplicate();
    }

    Path temporary() {
        return temporary;
    }

    long memoryBytes() {
        return memoryBytes;
    }

    String version() {
        return version;
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw DuckErrors.of(e);
        }
    }
}
