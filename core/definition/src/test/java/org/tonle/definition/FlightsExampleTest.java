package org.tonle.definition;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FlightsExampleTest {
    @Test
    void theFlightsLakeIsDefinedWithoutAProblem() {
        Path folder = Path.of(System.getProperty("tonle.root")).resolve("examples/flights");

        LakeDefinition lake = LakeDefinition.load(folder, Map.of());

        assertThat(lake.name()).isEqualTo("flights");
        assertThat(lake.source("flights").orElseThrow().columns())
                .extracting(ColumnDefinition::name)
                .containsExactly("departed", "origin", "destination", "distance", "delay");
        assertThat(lake.statements())
                .extracting(s -> s.text().lines().findFirst().orElseThrow())
                .containsExactly(
                        "CREATE STREAMING TABLE silver.flights (",
                        "CREATE MATERIALIZED VIEW gold.airport_day AS",
                        "CREATE MATERIALIZED VIEW gold.route AS");
    }
}
