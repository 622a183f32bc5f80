package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.lake.Answers.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of a folder become rows, and what is wrong in them becomes rows of quarantine. */
class FilesIT {
    @TempDir private Path folder;

    private void write(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
    }

    @Test
    void whatAppearsInTheFolderIsInSilverOnceAlsoAfterARestart() throws Exception {
        write(
                "lake.yaml",
                "name: shop\ningest: {commit-interval: 100ms}\nrefresh-interval: 100ms\n");
        write(
                "sources/orders.yaml",
                """
                kind: files
                path: ./drop
                id: id
                columns:
                  amount: decimal(10,2)
                """);
        write(
                "pipelines/orders.sql",
                "CREATE STREAMING TABLE silver.orders AS SELECT event_id AS id, amount FROM STREAM"
                        + " bronze.orders;");
        write("drop/a.csv", "id,amount\n1,9.50\n2,many\n3\n");
        String silver = "SELECT id, amount FROM silver.orders ORDER BY id";
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            await(lake, silver, "id,amount\n1,9.50\n");
            await(
                    lake,
                    "SELECT \"rule\", message, payload FROM quarantine.silver_orders ORDER BY 1",
                    """
                    rule,message,payload
                    amount,"amount is many, which is no decimal(10,2)","{""id"":""2"",""amount"":""many""}"
                    payload,line 4 has 1 fields and the first one names 2 columns,3
                    """);
            write("drop/day2/b.ndjson", "{\"id\": \"4\", \"amount\": 1}\n{broken\n");
            await(lake, silver, "id,amount\n1,9.50\n4,1.00\n");
        }
        write("drop/c.csv", "id,amount\n5,2\n");
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            await(lake, silver, "id,amount\n1,9.50\n4,1.00\n5,2.00\n");
            await(
                    lake,
                    "SELECT headers['file'], COUNT(*) FROM bronze.orders GROUP BY 1 ORDER BY 1",
                    "EXPR$0,EXPR$1\na.csv,3\nc.csv,1\nday2/b.ndjson,2\n");
        }
    }

    @Test
    void whatHoldsNoRecordsIsARowWithItsTextAndItsBytesStayInTheStorage() throws Exception {
        write(
                "lake.yaml",
                "name: shop\ningest: {commit-interval: 100ms}\nrefresh-interval: 100ms\n");
        write("sources/letters.yaml", "kind: files\npath: ./letters\nformat: object\n");
        write(
                "pipelines/letters.sql",
                """
                CREATE STREAMING TABLE silver.letters (
                  CONSTRAINT readable EXPECT (error IS NULL) ON VIOLATION DROP ROW
                ) AS SELECT event_id AS id, name, media_type, size, text, error FROM STREAM bronze.letters;
                """);
        write("letters/a.html", "<html><script>x</script><body><p>Dear Bert</body></html>");
        write("letters/b \"quoted\"\nline", "Dear Anna");
        write("letters/torn.pdf", "%PDF-1.7\nnothing");
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            await(
                    lake,
                    "SELECT name, media_type, size, text FROM silver.letters ORDER BY 1",
                    """
                    name,media_type,size,text
                    a.html,text/html,56,Dear Bert
                    "b ""quoted""
                    line",text/plain,9,Dear Anna
                    """);
            await(
                    lake,
                    "SELECT \"rule\", COUNT(*) FROM quarantine.silver_letters GROUP BY 1",
                    "rule,EXPR$1\nreadable,1\n");
            await(
                    lake,
                    "SELECT COUNT(*) FROM bronze.letters WHERE location LIKE '%/objects/letters/' || sha256",
                    "EXPR$0\n3\n");
        }
        try (Stream<Path> kept = Files.list(folder.resolve(".tonle/warehouse/objects/letters"))) {
            assertThat(kept).hasSize(3);
        }
    }
}
