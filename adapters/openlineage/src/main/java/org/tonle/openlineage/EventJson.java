package org.tonle.openlineage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.types.Types;
import org.tonle.ledger.CommitRequest.ExpectationResult;
import org.tonle.ledger.LineageEdge;
import org.tonle.pipeline.RunEvent;
import org.tonle.spi.ErrorCode;
import org.tonle.sql.Dataset;
import org.tonle.sql.Expectation;

/**
 * Events as OpenLineage 2-0-2 writes them. A table's name is where its files are, as OpenLineage's
 * naming asks for, so that it is the same for whoever else reads or writes it; its name in the lake
 * is a symlink. Error messages aren't told, since they may hold values that not everybody may see.
 */
final class EventJson {
    private static final String SPEC = "https://openlineage.io/spec/";
    private static final String PRODUCER = "urn:tonle:lake";

    private final ObjectMapper mapper = new ObjectMapper();
    private final String jobNamespace;

    EventJson(String jobNamespace) {
        this.jobNamespace = jobNamespace;
    }

    /** On one line. */
    byte[] of(RunEvent event) {
        try {
            return mapper.writeValueAsBytes(node(event));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private ObjectNode node(RunEvent event) {
        ObjectNode node =
                mapper.createObjectNode()
                        .put("eventTime", event.at().toString())
                        .put("producer", PRODUCER)
                        .put("schemaURL", SPEC + "2-0-2/OpenLineage.json#/$defs/RunEvent");
        ObjectNode run = node.putObject("run").put("runId", event.run().id().toString());
        ObjectNode runFacets = run.putObject("facets");
        node.set("job", job(event.run().dataset()));
        ArrayNode inputs = node.putArray("inputs");
        for (RunEvent.Table input : event.run().inputs()) {
            inputs.add(dataset(input));
        }
        ArrayNode outputs = node.putArray("outputs");
        switch (event.change()) {
            case RunEvent.Started started -> node.put("eventType", "START");
            case RunEvent.Aborted aborted -> node.put("eventType", "ABORT");
            case RunEvent.Failed failed -> {
                node.put("eventType", "FAIL");
                runFacets.set("errorMessage", error(event.run().dataset(), failed.code()));
            }
            case RunEvent.Completed completed -> {
                node.put("eventType", "COMPLETE");
                completed.outputs().forEach(output -> outputs.add(output(event.run(), output)));
                if (!completed.expectations().isEmpty()) {
                    // of the rows that the SELECT made of the input
                    ((ObjectNode) inputs.get(0))
                            .putObject("inputFacets")
                            .set(
                                    "dataQualityAssertions",
                                    assertions(event.run().dataset(), completed.expectations()));
                }
            }
        }
        return node;
    }

    private ObjectNode facet(String version, String name) {
        return mapper.createObjectNode()
                .put("_producer", PRODUCER)
                .put(
                        "_schemaURL",
                        SPEC + "facets/" + version + "/" + name + ".json#/$defs/" + name);
    }

    private ObjectNode job(Dataset dataset) {
        ObjectNode job =
                mapper.createObjectNode()
                        .put("namespace", jobNamespace)
                        .put("name", dataset.name().toString());
        ObjectNode facets = job.putObject("facets");
        facets.set(
                "jobType",
                facet("2-0-4", "JobTypeJobFacet")
                        // each run ends, of a streaming table too
                        .put("processingType", "BATCH")
                        .put("integration", "TONLE")
                        .put(
                                "jobType",
                                switch (dataset) {
                                    case Dataset.StreamingTable table -> "STREAMING_TABLE";
                                    case Dataset.ChangeTable table -> "CHANGE_TABLE";
                                    case Dataset.MaterializedView view -> "MATERIALIZED_VIEW";
                                }));
        facets.set("sql", facet("1-1-0", "SQLJobFacet").put("query", dataset.text()));
        return job;
    }

    private ObjectNode error(Dataset dataset, ErrorCode code) {
        return facet("1-0-1", "ErrorMessageRunFacet")
                .put(
                        "message",
                        code + ": see the reason of " + dataset.name() + " in system.datasets")
                .put("programmingLanguage", "SQL");
    }

    private ObjectNode dataset(RunEvent.Table table) {
        Name name = Name.of(table.location());
        ObjectNode dataset =
                mapper.createObjectNode()
                        .put("namespace", name.namespace())
                        .put("name", name.name());
        ObjectNode facets = dataset.putObject("facets");
        ObjectNode schema = facet("1-2-0", "SchemaDatasetFacet");
        ArrayNode fields = schema.putArray("fields");
        for (Types.NestedField column : table.columns()) {
            fields.addObject().put("name", column.name()).put("type", column.type().toString());
        }
        facets.set("schema", schema);
        ObjectNode symlinks = facet("1-0-1", "SymlinksDatasetFacet");
        symlinks.putArray("identifiers")
                .addObject()
                .put("namespace", jobNamespace)
                .put("name", table.name().toString())
                .put("type", "TABLE");
        facets.set("symlinks", symlinks);
        table.snapshot()
                .ifPresent(snapshot ->
                        facets.set(
                                "version",
                                facet("1-0-1", "DatasetVersionDatasetFacet")
                                        .put("datasetVersion", Long.toString(snapshot))));
        return dataset;
    }

    private ObjectNode output(RunEvent.Run run, RunEvent.Output output) {
        ObjectNode dataset = dataset(output.table());
        if (output.table().name().equals(run.dataset().name())) {
            ((ObjectNode) dataset.get("facets")).set("columnLineage", columnLineage(run));
        }
        dataset.putObject("outputFacets")
                .set(
                        "outputStatistics",
                        facet("1-0-2", "OutputStatisticsOutputDatasetFacet")
                                .put("rowCount", output.rows())
                                .put("fileCount", output.files()));
        return dataset;
    }

    private ObjectNode columnLineage(RunEvent.Run run) {
        Map<String, Name> inputs = new HashMap<>();
        run.inputs().forEach(i -> inputs.put(i.name().toString(), Name.of(i.location())));
        ObjectNode facet = facet("1-2-0", "ColumnLineageDatasetFacet");
        ObjectNode fields = facet.putObject("fields");
        ArrayNode rows = mapper.createArrayNode();
        for (LineageEdge edge : run.lineage().get()) {
            Name input = inputs.get(edge.inputTable());
            if (input == null) {
                throw new IllegalStateException(edge + " is of no input: " + inputs.keySet());
            }
            ArrayNode into =
                    edge.column()
                            .map(column -> fields.withObjectProperty(column))
                            .map(column -> column.withArrayProperty("inputFields"))
                            .orElse(rows);
            into.addObject()
                    .put("namespace", input.namespace())
                    .put("name", input.name())
                    .put("field", edge.inputColumn())
                    .putArray("transformations")
                    .addObject()
                    .put("type", edge.column().isPresent() ? "DIRECT" : "INDIRECT");
        }
        if (!rows.isEmpty()) {
            facet.set("dataset", rows);
        }
        return facet;
    }

    private ObjectNode assertions(Dataset dataset, List<ExpectationResult> results) {
        Map<String, Expectation> declared = new HashMap<>();
        if (dataset instanceof Dataset.StreamingTable table) {
            table.expectations().forEach(e -> declared.put(e.name(), e));
        }
        ObjectNode facet = facet("1-1-0", "DataQualityAssertionsDatasetFacet");
        ArrayNode assertions = facet.putArray("assertions");
        for (ExpectationResult result : results) {
            Expectation expectation = declared.get(result.expectation());
            ObjectNode assertion =
                    assertions
                            .addObject()
                            .put("assertion", "custom_sql")
                            .put("success", result.failed() == 0)
                            .put("name", result.expectation())
                            .put("expected", "0")
                            .put("actual", Long.toString(result.failed()));
            if (expectation != null) {
                assertion
                        .put(
                                "severity",
                                expectation.violation() == Expectation.Violation.FAIL_UPDATE
                                        ? "error"
                                        : "warn")
                        .put("content", expectation.condition())
                        .put("contentType", "sql");
            }
            assertion
                    .putObject("params")
                    .put("passed", result.passed())
                    .put("failed", result.failed())
                    .put("action", result.action());
        }
        return facet;
    }
}
