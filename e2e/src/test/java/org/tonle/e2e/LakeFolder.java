package org.tonle.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The lake that crash tests run on: events of a few groups, some implausible, counted in gold. */
final class LakeFolder {
    static final String SOURCE = "events";

    private LakeFolder() {}

    /**
     * Writes the lake folder.
     *
     * @param more further lines of lake.yaml
     */
    static void write(Path folder, String more) {
        try {
            Files.createDirectories(folder.resolve("sources"));
            Files.createDirectories(folder.resolve("pipelines"));
            Files.writeString(
                    folder.resolve("lake.yaml"),
                    "name: crash\ningest: {commit-interval: 250ms}\nrefresh-interval: 200ms\n"
                            + more);
            Files.writeString(
                    folder.resolve("sources/events.yaml"),
                    """
                    kind: http
                    id: id
                    partitions: 2
                    columns:
                      grp: {type: string, required: true}
                      amount: {type: int, required: true}
                    """);
            Files.writeString(
                    folder.resolve("pipelines/events.sql"),
                    """
                    CREATE STREAMING TABLE silver.events (
                      CONSTRAINT plausible EXPECT (amount < 990) ON VIOLATION DROP ROW
                    ) AS SELECT event_id AS id, grp, amount FROM STREAM bronze.events;
                    CREATE MATERIALIZED VIEW gold.groups AS
                    SELECT grp, COUNT(*) AS n, SUM(amount) AS total FROM silver.events GROUP BY grp;
                    """);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
