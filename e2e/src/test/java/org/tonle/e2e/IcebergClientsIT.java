package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.lake.Lake;
import org.tonle.lake.LakeOptions;
import org.tonle.query.RunningQuery;
import org.tonle.server.Backend;
import org.tonle.server.LakeServer;
import org.tonle.server.ServerOptions;
import org.tonle.spi.Principal;

/** Clients that aren't ours write and read tables through the lake's Iceberg catalog. */
class IcebergClientsIT {
    @TempDir private Path dir;

    @Test
    void pyicebergWritesAndTheLakeReadsTheSame() throws Exception {
        Path folder = Files.createDirectories(dir.resolve("lake"));
        Files.writeString(folder.resolve("lake.yaml"), "name: clients\n");
        Path script = Path.of(IcebergClientsIT.class.getResource("/clients/pyiceberg").toURI());
        Path out = dir.resolve("read.json");
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess());
                LakeServer server = LakeServer.start(Backend.of(lake), ServerOptions.onPort(0))) {
            String python = TableReader.PYICEBERG.command(script, dir).getFirst();
            TableReader.run(
                    dir,
                    List.of(
                            python,
                            script.resolve("client.py").toString(),
                            out.toString(),
                            server.url() + "/iceberg",
                            Files.readString(folder.resolve(".tonle/admin-token")).strip()));
            Map<?, ?> read =
                    new com.fasterxml.jackson.databind.ObjectMapper()
                            .readValue(out.toFile(), Map.class);
            assertThat(read)
                    .isEqualTo(
                            Map.of(
                                    "all", List.of("a", "b", "C", "d", "e"),
                                    "filtered", List.of("C", "d", "e"),
                                    "towns", List.of("Rome"),
                                    "before", List.of("a", "b", "c"),
                                    "tables", List.of("people"),
                                    "gc", "false"));
            try (RunningQuery rows =
                    lake.query("SELECT name FROM lab.people ORDER BY id", Principal.LAKE)) {
                assertThat(rows.texts().stream().map(row -> String.join("|", row)))
                        .containsExactly("a", "b", "C", "d", "e");
            }
        }
    }
}
