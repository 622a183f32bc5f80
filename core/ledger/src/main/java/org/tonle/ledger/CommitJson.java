package org.tonle.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** The form in which a commit goes to {@code tonle.commit_group} and its answers come back. */
final class CommitJson {
    private final ObjectMapper mapper = new ObjectMapper();

    /** One answer of {@code commit_group}: a sequence number, or why this member was refused. */
    sealed interface Answer {
        record Committed(long seq) implements Answer {}

        record Refused(CommitConflictException conflict) implements Answer {}
    }

    String write(List<CommitRequest> group) {
        ArrayNode array = mapper.createArrayNode();
        group.forEach(request -> array.add(toJson(request)));
        return array.toString();
    }

    List<Answer> answers(String json) {
        try {
            return mapper.readTree(json)
                    .valueStream()
                    .<Answer>map(answer ->
                            answer.has("seq")
                                    ? new Answer.Committed(answer.get("seq").asLong())
                                    : refused(
                                            answer.path("code").asText(),
                                            answer.path("message").asText(),
                                            answer.path("subject").asText()))
                    .toList();
        } catch (JsonProcessingException e) {
            throw new LakeException(ErrorCode.INTERNAL, "the ledger answered no JSON: " + json, e);
        }
    }

    private static Answer refused(String code, String message, String subject) {
        return new Answer.Refused(
                new CommitConflictException(
                        CommitConflictException.Reason.of(code).orElseThrow(), message, subject));
    }

    /** A scalar of a summary, as text. */
    static Optional<String> fact(String summary, String key) {
        try {
            JsonNode value = new ObjectMapper().readTree(summary).path(key);
            return value.isValueNode() && !value.isNull()
                    ? Optional.of(value.asText())
                    : Optional.empty();
        } catch (JsonProcessingException e) {
            throw new LakeException(
                    ErrorCode.INTERNAL, "a commit's summary is no JSON: " + summary, e);
        }
    }

    private ObjectNode toJson(CommitRequest request) {
        ObjectNode json = mapper.createObjectNode();
        json.put("id", request.id().toString());
        json.put("branch", request.branch());
        json.put("kind", request.kind());
        json.put("principal", request.principal());
        json.set("summary", mapper.valueToTree(request.summary()));
        ArrayNode leases = json.putArray("leases");
        for (Lease lease : request.leases()) {
            leases.addObject().put("name", lease.name()).put("epoch", lease.epoch());
        }
        ArrayNode requirements = json.putArray("requirements");
        for (CommitRequest.TableRequirement table : request.requirements()) {
            requirements
                    .addObject()
                    .put("namespace", table.namespace())
                    .put("name", table.name())
                    .put("metadata", table.metadata());
        }
        ArrayNode logs = json.putArray("logPositions");
        for (CommitRequest.LogMove move : request.logPositions()) {
            logs.addObject()
                    .put("consumer", move.consumer())
                    .put("cluster", move.clusterId())
                    .put("topic", move.topicId())
                    .put("partition", move.partition())
                    .put("leaderEpoch", move.leaderEpoch())
                    .put("from", boxed(move.from()))
                    .put("to", move.to());
        }
        ArrayNode sources = json.putArray("sourceMarks");
        for (CommitRequest.SourceMove move : request.sourceMoves()) {
            sources.addObject()
                    .put("source", move.source())
                    .put("item", move.mark().item())
                    .put("position", move.mark().position())
                    .put("state", move.mark().state());
        }
        ArrayNode datasets = json.putArray("datasetPositions");
        for (CommitRequest.DatasetMove move : request.datasetPositions()) {
            datasets.addObject()
                    .put("dataset", move.dataset())
                    .put("input", move.inputTable().toString())
                    .put("from", boxed(move.from()))
                    .put("to", move.to());
        }
        ArrayNode namespaces = json.putArray("namespaces");
        for (CommitRequest.NamespaceChange change : request.namespaces()) {
            ObjectNode node = namespaces.addObject().put("namespace", change.namespace());
            node.set("before", properties(change.before()));
            node.set("after", properties(change.after()));
        }
        ArrayNode pointers = json.putArray("pointers");
        for (CommitRequest.PointerMove move : request.pointers()) {
            pointers.addObject()
                    .put("uuid", move.table().toString())
                    .put("kind", move.kind().name().toLowerCase(Locale.ROOT))
                    .put("namespace", move.namespace())
                    .put("name", move.name())
                    .put("before", move.before())
                    .put("after", move.after())
                    .put("operation", move.operation())
                    .put("snapshot", boxed(move.snapshotId()));
        }
        ArrayNode definitions = json.putArray("definitions");
        for (CommitRequest.DefinitionVersion definition : request.definitions()) {
            definitions
                    .addObject()
                    .put("name", definition.name())
                    .put("version", definition.version())
                    .put("hash", definition.hash())
                    .put("text", definition.text());
        }
        ArrayNode expectations = json.putArray("expectations");
        for (CommitRequest.ExpectationResult result : request.expectations()) {
            expectations
                    .addObject()
                    .put("dataset", result.dataset())
                    .put("expectation", result.expectation())
                    .put("action", result.action())
                    .put("passed", result.passed())
                    .put("failed", result.failed());
        }
        return json;
    }

    private com.fasterxml.jackson.databind.JsonNode properties(
            @Nullable Map<String, String> properties) {
        return properties == null
                ? mapper.getNodeFactory().nullNode()
                : mapper.valueToTree(properties);
    }

    String write(Map<String, String> properties) {
        return mapper.valueToTree(properties).toString();
    }

    Map<String, String> readProperties(String json) {
        try {
            return Map.copyOf(
                    mapper.readValue(
                            json,
                            mapper.getTypeFactory()
                                    .constructMapType(Map.class, String.class, String.class)));
        } catch (JsonProcessingException e) {
            throw new LakeException(ErrorCode.INTERNAL, "no JSON in the ledger: " + json, e);
        }
    }

    private static @Nullable Long boxed(OptionalLong value) {
        return value.isPresent() ? value.getAsLong() : null;
    }
}
