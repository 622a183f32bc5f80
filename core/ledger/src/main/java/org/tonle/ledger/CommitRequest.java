package org.tonle.ledger;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.SourceMark;

/**
 * Everything that is to happen together, or not at all. The id is chosen by the caller, names the
 * files of the commit, and stays the same when the commit is prepared again on a newer base.
 *
 * @param kind what did it, for people: {@code ingest}, {@code run}, {@code compact} …
 * @param summary facts for people and system tables; JSON scalars only
 */
public record CommitRequest(
        UUID id,
        String branch,
        String kind,
        String principal,
        Map<String, Object> summary,
        List<Lease> leases,
        List<TableRequirement> requirements,
        List<LogMove> logPositions,
        List<SourceMove> sourceMoves,
        List<DatasetMove> datasetPositions,
        List<NamespaceChange> namespaces,
        List<PointerMove> pointers,
        List<DefinitionVersion> definitions,
        List<ExpectationResult> expectations) {

    public CommitRequest {
        requireNonNull(id);
        summary = Map.copyOf(summary);
        leases = List.copyOf(leases);
        requirements = List.copyOf(requirements);
        logPositions = List.copyOf(logPositions);
        sourceMoves = List.copyOf(sourceMoves);
        datasetPositions = List.copyOf(datasetPositions);
        namespaces = List.copyOf(namespaces);
        pointers = List.copyOf(pointers);
        definitions = List.copyOf(definitions);
        expectations = List.copyOf(expectations);
        Set<UUID> tables = new HashSet<>();
        for (PointerMove pointer : pointers) {
            if (!tables.add(pointer.table())) {
                throw new IllegalArgumentException(
                        "one commit moves the pointer of " + pointer.table() + " twice");
            }
        }
    }

    /** The live pointer of a name must be {@code metadata}; null means that there must be none. */
    public record TableRequirement(String namespace, String name, @Nullable String metadata) {}

    /**
     * Moves a consumer's position in one partition of the event log by compare-and-set.
     *
     * @param from the next offset to read before; empty if the consumer must have none yet
     * @param to the next offset to read afterwards
     */
    public record LogMove(
            String consumer,
            String clusterId,
            String topicId,
            int partition,
            int leaderEpoch,
            OptionalLong from,
            long to) {}

    /**
     * Says how far something outside was taken. It never goes back: an older mark than the known
     * one changes nothing.
     */
    public record SourceMove(String source, SourceMark mark) {}

    /** Moves how far a dataset has read an input table, in sequence numbers, by compare-and-set. */
    public record DatasetMove(String dataset, UUID inputTable, OptionalLong from, long to) {}

    /** Creates (no before), changes, or drops (no after) a namespace, by compare-and-set. */
    public record NamespaceChange(
            String namespace,
            @Nullable Map<String, String> before,
            @Nullable Map<String, String> after) {}

    /**
     * Moves a table's pointer by compare-and-set. No before: created. No after: dropped. Another
     * name than the live one: renamed.
     *
     * @param operation Iceberg's operation of the new snapshot, or {@code create}, {@code schema},
     *     {@code drop}, {@code rename}, {@code replace}
     * @param snapshotId the snapshot that the operation made, if it made one
     */
    public record PointerMove(
            UUID table,
            RefKind kind,
            String namespace,
            String name,
            @Nullable String before,
            @Nullable String after,
            String operation,
            OptionalLong snapshotId) {
        public PointerMove {
            if (before == null && after == null) {
                throw new IllegalArgumentException("a pointer moves from or to something");
            }
        }
    }

    /** Stores the next version of a named definition; versions start at 1 and have no gaps. */
    public record DefinitionVersion(String name, int version, String hash, String text) {}

    /** How many rows of this commit passed and broke an expectation. */
    public record ExpectationResult(
            String dataset, String expectation, String action, long passed, long failed) {}

    /** The same commit with the pointers that this attempt prepared. */
    public CommitRequest withPointers(List<PointerMove> prepared) {
        return new CommitRequest(
                id,
                branch,
                kind,
                principal,
                summary,
                leases,
                requirements,
                logPositions,
                sourceMoves,
                datasetPositions,
                namespaces,
                prepared,
                definitions,
                expectations);
    }

    public static Builder builder(UUID id, String kind, String principal) {
        return new Builder(id, kind, principal);
    }

    /** Collects the parts of a commit; each may be absent. */
    public static final class Builder {
        private final UUID id;
        private final String kind;
        private final String principal;
        private final Map<String, Object> summary = new java.util.TreeMap<>();
        private final List<Lease> leases = new ArrayList<>();
        private final List<TableRequirement> requirements = new ArrayList<>();
        private final List<LogMove> logPositions = new ArrayList<>();
        private final List<SourceMove> sourceMoves = new ArrayList<>();
        private final List<DatasetMove> datasetPositions = new ArrayList<>();
        private final List<NamespaceChange> namespaces = new ArrayList<>();
        private final List<PointerMove> pointers = new ArrayList<>();
        private final List<DefinitionVersion> definitions = new ArrayList<>();
        private final List<ExpectationResult> expectations = new ArrayList<>();

        private Builder(UUID id, String kind, String principal) {
            this.id = id;
            this.kind = kind;
            this.principal = principal;
        }

        public Builder summary(String key, Object value) {
            summary.put(key, value);
            return this;
        }

        /** The commit fails unless this lease is still the current one. */
        public Builder fencedBy(Lease lease) {
            leases.add(lease);
            return this;
        }

        public Builder require(TableRequirement requirement) {
            requirements.add(requirement);
            return this;
        }

        public Builder move(LogMove move) {
            logPositions.add(move);
            return this;
        }

        public Builder move(SourceMove move) {
            sourceMoves.add(move);
            return this;
        }

        public Builder move(DatasetMove move) {
            datasetPositions.add(move);
            return this;
        }

        public Builder move(PointerMove move) {
            pointers.add(move);
            return this;
        }

        public Builder change(NamespaceChange change) {
            namespaces.add(change);
            return this;
        }

        public Builder define(DefinitionVersion definition) {
            definitions.add(definition);
            return this;
        }

        public Builder expectation(ExpectationResult result) {
            expectations.add(result);
            return this;
        }

        public CommitRequest build() {
            return new CommitRequest(
                    id,
                    Ledger.MAIN,
                    kind,
                    principal,
                    summary,
                    leases,
                    requirements,
                    logPositions,
                    sourceMoves,
                    datasetPositions,
                    namespaces,
                    pointers,
                    definitions,
                    expectations);
        }
    }
}
