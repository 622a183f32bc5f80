import io.trino.Session;
import io.trino.plugin.iceberg.IcebergPlugin;
import io.trino.testing.MaterializedRow;
import io.trino.testing.StandaloneQueryRunner;
import io.trino.testing.TestingSession;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Writes the rows of tables, id, name and town parted by bars, as Trino reads them.
 *
 * <p>Arguments: a file to write, then the tables' metadata files. Each table's rows follow a line
 * that begins with a #.
 */
public final class Rows {
    public static void main(String[] args) {
        try {
            Files.write(Path.of(args[0]), rows(args));
            System.exit(0);
        } catch (Throwable e) {
            e.printStackTrace();
            // its threads would run on
            System.exit(1);
        }
    }

    private static List<String> rows(String[] args) {
        Session session = TestingSession.testSessionBuilder().setCatalog("tables").build();
        StandaloneQueryRunner trino = new StandaloneQueryRunner(session);
        trino.installPlugin(new IcebergPlugin());
        trino.createCatalog(
                "tables",
                "iceberg",
                Map.of(
                        "iceberg.catalog.type", "TESTING_FILE_METASTORE",
                        "hive.metastore.catalog.dir", "local://" + args[0] + ".metastore",
                        "iceberg.register-table-procedure.enabled", "true",
                        "fs.native-local.enabled", "true",
                        "local.location", "/"));
        trino.execute(session, "CREATE SCHEMA tables.x");
        List<String> lines = new ArrayList<>();
        for (int i = 1; i < args.length; i++) {
            Path metadata = Path.of(args[i]);
            trino.execute(
                    session,
                    "CALL tables.system.register_table('x', 't%d', 'file://%s', '%s')"
                            .formatted(
                                    i,
                                    metadata.getParent().getParent(),
                                    metadata.getFileName()));
            lines.add("# " + metadata);
            String rows = "SELECT id, name, town FROM tables.x.t" + i + " ORDER BY id";
            for (MaterializedRow row : trino.execute(session, rows).getMaterializedRows()) {
                lines.add(row.getField(0) + "|" + row.getField(1) + "|" + row.getField(2));
            }
        }
        return lines;
    }
}
