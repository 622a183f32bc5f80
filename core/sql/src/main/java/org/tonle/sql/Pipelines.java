package org.tonle.sql;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.iceberg.Schema;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.QuarantineTable;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.DefinitionException;
import org.tonle.definition.DriftPolicy;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.Place;
import org.tonle.definition.PolicyDefinition;
import org.tonle.definition.Problem;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SqlText;
import org.tonle.spi.LakeException;

/**
 * All datasets of a lake, checked against its sources and each other.
 *
 * @param datasets each after those that it reads
 * @param tables all that the lake has: of sources, of datasets, and of what these refuse
 */
public record Pipelines(List<Planned> datasets, List<SqlTable> tables) {
    /**
     * A dataset and the table it makes.
     *
     * @param place of its statement
     * @param schema of its table when made anew: field ids from 1 in order
     */
    public record Planned(Dataset dataset, Place place, Schema schema) {}

    public Pipelines {
        datasets = List.copyOf(datasets);
        tables = List.copyOf(tables);
    }

    /**
     * Parses and binds every statement.
     *
     * @throws DefinitionException with every problem of every statement
     */
    public static Pipelines of(LakeDefinition definition) {
        return of(definition.sources(), definition.statements());
    }

    /** As {@link #of(LakeDefinition)}, of a definition's parts. */
    public static Pipelines of(List<SourceDefinition> sources, List<SqlText> statements) {
        return new Planner(sources, statements, PolicyDefinition.NONE).plan();
    }

    /**
     * Every problem of every statement, or of the policy if the statements have none; a {@link
     * LakeDefinition.SqlCheck}.
     */
    public static List<Problem> problems(
            List<SourceDefinition> sources, List<SqlText> statements, PolicyDefinition policy) {
        try {
            return Policies.problems(policy, new Planner(sources, statements, policy).plan());
        } catch (DefinitionException e) {
            return e.problems();
        }
    }

    /** The namespace of what change tables must know of rows that they don't have any more. */
    static final String DELETED = "deleted";

    /** Those whose tables Tonle makes itself. */
    static final Set<String> OWN_NAMESPACES =
            Set.of(
                    BronzeTable.NAMESPACE,
                    QuarantineTable.NAMESPACE,
                    DELETED,
                    "system",
                    "information_schema");

    private static final class Planner implements TableResolver {
        private final Map<TableName, SqlTable> tables = new LinkedHashMap<>();
        private final PolicyDefinition policy;
        private final Map<TableName, Parsed> parsed = new LinkedHashMap<>();
        private final List<Planned> planned = new ArrayList<>();
        private final List<Problem> problems = new ArrayList<>();

        /** In the order of the data; those that read themselves aren't in it. */
        private final List<Dataset> ordered = new ArrayList<>();

        private final Map<Parsed, LakeException> broken = new LinkedHashMap<>();

        /**
         * Tables that may have columns which aren't declared: those of sources whose events bring
         * them, and what is made of such columns, whose types aren't known here.
         */
        private final Set<TableName> growing = new LinkedHashSet<>();

        /** Of these, the datasets. */
        private final Set<TableName> assumed = new LinkedHashSet<>();

        private record Parsed(Dataset dataset, Place place) {}

        Planner(List<SourceDefinition> sources, List<SqlText> statements, PolicyDefinition policy) {
            this.policy = policy;
            for (SourceDefinition source : sources) {
                for (BronzeDefinition bronze : source.tables()) {
                    SqlTable table = SqlTable.bronze(bronze);
                    if (bronze.drift().policy() == DriftPolicy.EVOLVE) {
                        growing.add(key(table.name()));
                    }
                    if (tables.putIfAbsent(key(table.name()), table) != null) {
                        problems.add(
                                new Problem(
                                        source.place(),
                                        bronze.name(),
                                        "two sources fill bronze."
                                                + bronze.name()
                                                + "; rename one of them"));
                    }
                }
            }
            for (SqlText statement : statements) {
                try {
                    add(BigStack.call(new DatasetParser(statement)::parse), statement.place());
                } catch (LakeException e) {
                    BigStack.rethrowCancelled(e);
                    problem(statement.place(), e);
                }
            }
        }

        private void add(Dataset dataset, Place place) {
            TableName name = dataset.name();
            String namespace = name.namespace().toLowerCase(Locale.ROOT);
            if (OWN_NAMESPACES.contains(namespace)) {
                problems.add(
                        new Problem(
                                place,
                                name.toString(),
                                "Tonle itself makes the tables of "
                                        + namespace
                                        + "; put datasets into silver, gold or a namespace of your"
                                        + " own"));
                return;
            }
            Parsed first = parsed.putIfAbsent(key(name), new Parsed(dataset, place));
            if (first != null) {
                problems.add(
                        new Problem(
                                place,
                                name.toString(),
                                "a dataset of this name is declared at " + first.place()));
            }
        }

        Pipelines plan() {
            Map<TableName, Parsed> open = new LinkedHashMap<>(parsed);
            boolean moved = true;
            while (moved && !open.isEmpty()) {
                moved = false;
                for (TableName name : List.copyOf(open.keySet())) {
                    Parsed next = java.util.Objects.requireNonNull(open.get(name));
                    if (next.dataset().reads().stream()
                            .noneMatch(read -> open.containsKey(madeBy(read)))) {
                        open.remove(name);
                        ordered.add(next.dataset());
                        bind(next);
                        moved = true;
                    }
                }
            }
            broken.forEach(this::problems);
            for (Parsed left : open.values()) {
                problems.add(
                        new Problem(
                                left.place(),
                                left.dataset().name().toString(),
                                "this dataset reads itself by way of "
                                        + left.dataset().reads()
                                        + "; a circle can't be computed"));
            }
            if (!problems.isEmpty()) {
                throw new DefinitionException(problems);
            }
            return new Pipelines(planned, List.copyOf(tables.values()));
        }

        private void bind(Parsed next) {
            try {
                Schema schema = schema(next.dataset());
                TableName name = next.dataset().name();
                tables.put(key(name), SqlTable.of(name, schema));
                if (!(next.dataset() instanceof Dataset.MaterializedView)) {
                    TableName refused = quarantine(name);
                    if (tables.put(key(refused), SqlTable.of(refused, QuarantineTable.SCHEMA))
                            != null) {
                        problems.add(
                                new Problem(
                                        next.place(),
                                        name.toString(),
                                        "what it refuses goes to "
                                                + refused
                                                + ", and so does what another dataset refuses;"
                                                + " rename one of them"));
                    }
                }
                planned.add(new Planned(next.dataset(), next.place(), schema));
            } catch (UpstreamFailed e) {
                // the problem is reported where it is
                return;
            } catch (LakeException e) {
                BigStack.rethrowCancelled(e);
                broken.put(next, e);
            }
        }

        private Schema schema(Dataset dataset) {
            try {
                Schema schema =
                        switch (dataset) {
                            case Dataset.StreamingTable table -> Sql.stream(table, this).schema();
                            case Dataset.ChangeTable table -> changes(table);
                            case Dataset.MaterializedView view -> Sql.view(view, this).schema();
                        };
                if (readsGrowing(dataset)
                        && MissingColumns.takesAll(dataset, this, this::isGrowing)) {
                    growing.add(key(dataset.name()));
                    assumed.add(key(dataset.name()));
                }
                return schema;
            } catch (LakeException e) {
                if (e instanceof UpstreamFailed || !readsGrowing(dataset)) {
                    throw e;
                }
                BigStack.rethrowCancelled(e);
                // the lake knows what its events brought, and binds it again
                Optional<Schema> schema = MissingColumns.assumed(dataset, e, this, this::isGrowing);
                if (schema.isEmpty()
                        && dataset.reads().stream()
                                .noneMatch(read -> assumed.contains(key(read)))) {
                    throw e;
                }
                growing.add(key(dataset.name()));
                assumed.add(key(dataset.name()));
                return schema.orElseGet(Schema::new);
            }
        }

        private boolean readsGrowing(Dataset dataset) {
            return dataset.reads().stream().anyMatch(this::isGrowing);
        }

        private boolean isGrowing(TableName table) {
            return growing.contains(key(table));
        }

        private Schema changes(Dataset.ChangeTable table) {
            BoundChanges bound = Sql.changes(table, this);
            TableName deleted = deleted(table.name());
            tables.put(key(deleted), SqlTable.of(deleted, bound.deleted()));
            return bound.schema();
        }

        private void problems(Parsed next, LakeException e) {
            new MissingColumns(policy, ordered)
                    .of(next.dataset(), e, this)
                    .forEach(loss -> problem(next, loss.error(), loss.also()));
        }

        /** With the datasets that can't be computed either, since they read this one. */
        private void problem(Parsed broken, LakeException e, String losses) {
            List<String> downstream = downstream(broken.dataset().name());
            String also =
                    (downstream.isEmpty()
                                    ? ""
                                    : "; without "
                                            + broken.dataset().name()
                                            + " there is no "
                                            + String.join(", no ", downstream))
                            + losses;
            problems.add(
                    e instanceof SqlProblem at
                            ? new Problem(at.place(), "", at.problem() + also)
                            : new Problem(
                                    broken.place(), "", String.valueOf(e.getMessage()) + also));
        }

        /** Those that read a dataset, itself or by way of others, in the order of the files. */
        private List<String> downstream(TableName dataset) {
            Set<TableName> broken = new LinkedHashSet<>(Set.of(key(dataset)));
            List<String> names = new ArrayList<>();
            for (boolean moved = true; moved; ) {
                moved = false;
                for (Parsed other : parsed.values()) {
                    if (other.dataset().reads().stream()
                                    .anyMatch(read -> broken.contains(madeBy(read)))
                            && broken.add(key(other.dataset().name()))) {
                        names.add(other.dataset().name().toString());
                        moved = true;
                    }
                }
            }
            return names;
        }

        private void problem(Place place, LakeException e) {
            problems.add(
                    e instanceof SqlProblem at
                            ? new Problem(at.place(), "", at.problem())
                            : new Problem(place, "", String.valueOf(e.getMessage())));
        }

        /** The dataset whose run makes a table: itself, or the one whose other rows it holds. */
        private TableName madeBy(TableName table) {
            TableName wanted = key(table);
            return parsed.keySet().stream()
                    .filter(dataset ->
                            key(quarantine(dataset)).equals(wanted)
                                    || key(deleted(dataset)).equals(wanted))
                    .findFirst()
                    .orElse(wanted);
        }

        private static TableName key(TableName name) {
            return new TableName(
                    name.namespace().toLowerCase(Locale.ROOT),
                    name.name().toLowerCase(Locale.ROOT));
        }

        @Override
        public Optional<SqlTable> table(TableName name) {
            SqlTable table = tables.get(key(name));
            if (table == null && parsed.containsKey(madeBy(name))) {
                throw new UpstreamFailed(name);
            }
            return Optional.ofNullable(table);
        }

        @Override
        public List<TableName> names() {
            List<TableName> names = new ArrayList<>();
            tables.values().forEach(table -> names.add(table.name()));
            parsed.values().forEach(dataset -> names.add(dataset.dataset().name()));
            return names;
        }
    }

    /** Where the deletes are that no row of a change table shows. */
    public static TableName deleted(TableName dataset) {
        return new TableName(DELETED, QuarantineTable.of(dataset.namespace(), dataset.name()));
    }

    /** Where the rows are that a streaming table or a change table refused. */
    public static TableName quarantine(TableName dataset) {
        return new TableName(QuarantineTable.NAMESPACE, dataset.namespace() + "_" + dataset.name());
    }

    /** A dataset that is read has a problem of its own. */
    private static final class UpstreamFailed extends LakeException {
        private static final long serialVersionUID = 1L;

        UpstreamFailed(TableName name) {
            super(org.tonle.spi.ErrorCode.INVALID_DEFINITION, name + " has a problem of its own");
        }
    }
}
