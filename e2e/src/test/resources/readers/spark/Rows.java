import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Writes the rows of tables, id, name and town parted by bars, as Spark reads them.
 *
 * <p>Arguments: a file to write, then the tables' metadata files. Each table's rows follow a line
 * that begins with a #.
 */
public final class Rows {
    public static void main(String[] args) throws Exception {
        String catalog = "spark.sql.catalog.tables";
        SparkSession spark =
                SparkSession.builder()
                        .master("local[2]")
                        .config("spark.ui.enabled", "false")
                        .config("spark.driver.host", "127.0.0.1")
                        .config("spark.driver.bindAddress", "127.0.0.1")
                        .config(
                                "spark.sql.extensions",
                                "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
                        .config(catalog, "org.apache.iceberg.spark.SparkCatalog")
                        .config(catalog + ".catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog")
                        .config(catalog + ".uri", "jdbc:sqlite:file:tables?mode=memory&cache=shared")
                        .config(catalog + ".io-impl", "org.apache.iceberg.hadoop.HadoopFileIO")
                        .config(catalog + ".warehouse", args[0] + ".warehouse")
                        .getOrCreate();
        spark.sql("CREATE NAMESPACE tables.x");
        List<String> lines = new ArrayList<>();
        for (int i = 1; i < args.length; i++) {
            spark.sql("CALL tables.system.register_table('x.t%d', 'file://%s')".formatted(i, args[i]));
            lines.add("# " + args[i]);
            String rows = "SELECT id, name, town FROM tables.x.t" + i + " ORDER BY id";
            for (Row row : spark.sql(rows).collectAsList()) {
                lines.add(row.get(0) + "|" + row.get(1) + "|" + row.get(2));
            }
        }
        Files.write(Path.of(args[0]), lines);
        spark.stop();
    }
}
