package org.tonle.definition;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a lake folder says, read once and never changed.
 *
 * @param name of the lake; part of its topics' names, so it stays the same once there is data
 * @param folder absolute
 * @param lineage where events about runs go; empty: nowhere
 * @param refreshInterval least time between two refreshes of one materialized view
 * @param sources by name
 * @param statements of all pipelines, by file name, then in the order of the file
 * @param policy who may see what
 */
public record LakeDefinition(
        String name,
        Path folder,
        StorageDefinition storage,
        EventLogDefinition eventLog,
        LedgerDefinition ledger,
        EngineDefinition engine,
        IngestDefinition ingest,
        QueryDefinition query,
        AuditDefinition audit,
        MaintenanceDefinition maintenance,
        Optional<LineageDefinition> lineage,
        Duration refreshInterval,
        List<SourceDefinition> sources,
        List<SqlText> statements,
        PolicyDefinition policy) {
    public LakeDefinition {
        sources = List.copyOf(sources);
        statements = List.copyOf(statements);
    }

    /**
     * Reads a lake folder.
     *
     * @param env the environment that {@code ${env:NAME}} is looked up in
     * @throws DefinitionException with every problem of every file at once
     */
    public static LakeDefinition load(Path folder, Map<String, String> env) {
        return load(folder, env, (sources, statements, policy) -> List.of());
    }

    /** Finds problems in the SQL, which this module doesn't parse. */
    @FunctionalInterface
    public interface SqlCheck {
        /** All of them, given every source, every statement and the policy of the folder. */
        List<Problem> problems(
                List<SourceDefinition> sources, List<SqlText> statements, PolicyDefinition policy);
    }

    /**
     * As {@link #load(Path, Map)}, and reports the SQL's problems together with all others. Where
     * sources or statements can't be read, the SQL isn't checked: most of what would be found would
     * follow from that.
     */
    public static LakeDefinition load(Path folder, Map<String, String> env, SqlCheck sql) {
        return new LakeFolder(folder.toAbsolutePath().normalize(), env).load(sql);
    }

    /** The name of a lake that doesn't say its own: its folder's, made fit. */
    public static String nameOf(Path folder) {
        return LakeFile.nameOf(folder);
    }

    /** The same lake under another name. */
    public LakeDefinition named(String otherName) {
        return new LakeDefinition(
                otherName,
                folder,
                storage,
                eventLog,
                ledger,
                engine,
                ingest,
                query,
                audit,
                maintenance,
                lineage,
                refreshInterval,
                sources,
                statements,
                policy);
    }

    /** The source called {@code sourceName}. */
    public Optional<SourceDefinition> source(String sourceName) {
        return sources.stream().filter(s -> s.name().equals(sourceName)).findFirst();
    }

    /** Where everything embedded keeps its state: {@code .tonle/} in the lake folder. */
    public Path state() {
        return folder.resolve(".tonle");
    }
}
