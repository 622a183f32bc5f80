package org.tonle.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.Problem;
import org.tonle.spi.Principal;

/** What a mask hides of a change table, whose order may be made of what is masked. */
class ChangePoliciesTest {
    @TempDir private Path folder;

    @BeforeEach
    void define() throws IOException {
        write("lake.yaml", "name: lake\n");
        write(
                "sources/visits.yaml",
                """
                kind: http
                columns: {person: bigint, room: string, born: date}
                """);
        write(
                "pipelines/p.sql",
                """
                AUTO CDC INTO silver.visits FROM STREAM bronze.visits KEYS (person) SEQUENCE BY born;
                AUTO CDC INTO silver.rooms FROM STREAM bronze.visits KEYS (person) SEQUENCE BY born
                  COLUMNS (person, room) STORED AS SCD TYPE 2;
                """);
        write("policies/p.yaml", "masks: [{column: silver.visits.born, value: \"NULL\"}]\n");
    }

    private void write(String file, String text) throws IOException {
        Path path = folder.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private LakeDefinition load() {
        return LakeDefinition.load(folder, Map.of(), Pipelines::problems);
    }

    @Test
    void whatOrdersTheChangesIsMaskedWithTheColumns() {
        LakeDefinition definition = load();
        Pipelines pipelines = Pipelines.of(definition);
        BoundQuery query =
                Sql.query(
                        "SELECT \"_sequence\", person FROM silver.visits",
                        new PolicyValidation(definition.policy(), pipelines.tables()),
                        Policies.of(definition.policy(), pipelines)
                                .of(new Principal("somebody", Set.of("data_scientist"), Map.of())));

        assertThat(query.tables().getFirst().guard().orElseThrow().tree().toString())
                .contains("CAST(NULL AS DATE) AS `_sequence`");
    }

    @Test
    void whenAVersionHoldsIsMadeOfWhatOrdersTheChanges() {
        LakeDefinition definition = load();
        Pipelines pipelines = Pipelines.of(definition);

        assertThat(Policies.of(definition.policy(), pipelines).warnings(pipelines))
                .extracting(Problem::toWarning)
                .singleElement()
                .asString()
                .contains("data_scientist in silver.rooms.__end_at, silver.rooms.__start_at");
    }
}
