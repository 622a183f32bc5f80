package org.tonle.openlineage;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.openlineage.client.OpenLineage.ColumnLineageDatasetFacetFieldsAdditional;
import io.openlineage.client.OpenLineage.InputDataset;
import io.openlineage.client.OpenLineage.OutputDataset;
import io.openlineage.client.OpenLineage.RunEvent;
import io.openlineage.client.OpenLineageClientUtils;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Events, as OpenLineage's own client reads them. */
class EventJsonTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static String text(org.tonle.pipeline.RunEvent event) {
        return new String(new EventJson("tonle://flights").of(event), StandardCharsets.UTF_8);
    }

    private static RunEvent read(org.tonle.pipeline.RunEvent event) {
        return OpenLineageClientUtils.runEventFromJson(text(event));
    }

    @Test
    void aRunThatStartsIsNamedByItsCommitAndItsDataset() {
        RunEvent event = read(Runs.started());
        assertThat(event.getEventType()).isEqualTo(RunEvent.EventType.START);
        assertThat(event.getEventTime().toInstant()).isEqualTo(Runs.AT);
        assertThat(event.getSchemaURL())
                .hasToString("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent");
        assertThat(event.getRun().getRunId()).isEqualTo(Runs.run().id());
        assertThat(event.getJob().getNamespace()).isEqualTo("tonle://flights");
        assertThat(event.getJob().getName()).isEqualTo("silver.flights");
        assertThat(event.getJob().getFacets().getJobType().getJobType())
                .isEqualTo("STREAMING_TABLE");
        assertThat(event.getJob().getFacets().getSql().getQuery())
                .startsWith("CREATE STREAMING TABLE silver.flights");
        assertThat(event.getOutputs()).isEmpty();
    }

    @Test
    void anInputSaysItsPlaceItsColumnsAndItsSnapshot() {
        InputDataset bronze = read(Runs.started()).getInputs().getFirst();
        assertThat(bronze.getNamespace()).isEqualTo("file");
        assertThat(bronze.getName()).isEqualTo("/data/my lake/bronze/flights-1");
        assertThat(bronze.getFacets().getVersion().getDatasetVersion()).isEqualTo("7");
        assertThat(bronze.getFacets().getSymlinks().getIdentifiers())
                .singleElement()
                .satisfies(link -> {
                    assertThat(link.getNamespace()).isEqualTo("tonle://flights");
                    assertThat(link.getName()).isEqualTo("bronze.flights");
                    assertThat(link.getType()).isEqualTo("TABLE");
                });
        assertThat(bronze.getFacets().getSchema().getFields())
                .extracting(field -> field.getName() + " " + field.getType())
                .containsExactly("event_id string", "delay int");
    }

    @Test
    void anOutputSaysWhereItsColumnsComeFromAndHowManyRowsItGot() {
        List<OutputDataset> outputs = read(Runs.completed()).getOutputs();
        OutputDataset silver = outputs.getFirst();
        assertThat(silver.getNamespace()).isEqualTo("s3://bucket");
        assertThat(silver.getName()).isEqualTo("lake/silver/flights");
        assertThat(silver.getFacets().getVersion().getDatasetVersion()).isEqualTo("8");
        assertThat(silver.getOutputFacets().getOutputStatistics().getRowCount()).isEqualTo(5L);
        var lineage = silver.getFacets().getColumnLineage();
        ColumnLineageDatasetFacetFieldsAdditional delay =
                lineage.getFields().getAdditionalProperties().get("delay");
        assertThat(delay.getInputFields())
                .singleElement()
                .satisfies(input -> {
                    assertThat(input.getNamespace()).isEqualTo("file");
                    assertThat(input.getName()).isEqualTo("/data/my lake/bronze/flights-1");
                    assertThat(input.getField()).isEqualTo("delay");
                    assertThat(input.getTransformations().getFirst().getType()).isEqualTo("DIRECT");
                });
        assertThat(lineage.getDataset())
                .singleElement()
                .satisfies(input -> assertThat(input.getField()).isEqualTo("origin"));
        assertThat(outputs.getLast().getName()).isEqualTo("lake/quarantine/silver_flights");
        assertThat(outputs.getLast().getFacets().getColumnLineage()).isNull();
    }

    @Test
    void expectationsAreAssertionsWithTheirCounts() throws IOException {
        InputDataset bronze = read(Runs.completed()).getInputs().getFirst();
        assertThat(bronze.getInputFacets().getDataQualityAssertions().getAssertions())
                .extracting(assertion -> assertion.getSeverity() + " " + assertion.getSuccess())
                .containsExactly("warn false", "error true");
        // facet 1-1-0 has more than the client knows
        assertThat(assertions(JSON.readTree(text(Runs.completed()))).get(0))
                .hasToString(
                        "{\"assertion\":\"custom_sql\",\"success\":false,\"name\":\"plausible\","
                                + "\"expected\":\"0\",\"actual\":\"2\",\"severity\":\"warn\","
                                + "\"content\":\"delay > -100\",\"contentType\":\"sql\","
                                + "\"params\":{\"passed\":5,\"failed\":2,\"action\":\"drop_row\"}}");
    }

    private static JsonNode assertions(JsonNode event) {
        return event.at("/inputs/0/inputFacets/dataQualityAssertions/assertions");
    }

    @Test
    void aFailureIsToldByItsCodeAndNotByItsMessage() {
        RunEvent event = read(Runs.failed());
        assertThat(event.getEventType()).isEqualTo(RunEvent.EventType.FAIL);
        assertThat(event.getRun().getFacets().getErrorMessage().getMessage())
                .isEqualTo(
                        "EXPECTATION_FAILED: see the reason of silver.flights in system.datasets");
        assertThat(read(Runs.aborted()).getEventType()).isEqualTo(RunEvent.EventType.ABORT);
    }

    /** What the client doesn't know it drops or keeps aside; a misspelt key would show here. */
    @Test
    void everyKeyIsOneThatOpenLineageKnows() throws IOException {
        for (var event : List.of(Runs.started(), Runs.completed(), Runs.failed(), Runs.aborted())) {
            String text = text(event);
            assertThat(text).doesNotContain("\n");
            RunEvent read = OpenLineageClientUtils.runEventFromJson(text);
            JsonNode again = JSON.readTree(OpenLineageClientUtils.toJson(read));
            JsonNode told = JSON.readTree(text);
            for (JsonNode assertion : assertions(told)) {
                ((ObjectNode) assertion).retain("assertion", "success", "severity");
            }
            assertThat(again).isEqualTo(told);
            assertThat(read.getJob().getFacets().getAdditionalProperties()).isEmpty();
            assertThat(read.getRun().getFacets().getAdditionalProperties()).isEmpty();
            read.getInputs()
                    .forEach(input ->
                            assertThat(input.getFacets().getAdditionalProperties()).isEmpty());
            read.getOutputs()
                    .forEach(output -> {
                        assertThat(output.getFacets().getAdditionalProperties()).isEmpty();
                        assertThat(output.getOutputFacets().getAdditionalProperties()).isEmpty();
                    });
        }
    }

    @ParameterizedTest
    @CsvSource({
        "/warehouse/a b, file, /warehouse/a b",
        "file:/warehouse/a%20b, file, /warehouse/a%20b",
        "file:///warehouse/ä, file, /warehouse/ä",
        "file://host/warehouse, file://host, /warehouse",
        "s3://bucket/lake/t, s3://bucket, lake/t",
        "hdfs://node:8020/lake, hdfs://node:8020, lake",
    })
    void aTableIsNamedByWhereItLies(String location, String namespace, String name) {
        assertThat(Name.of(location)).isEqualTo(new Name(namespace, name));
    }
}
