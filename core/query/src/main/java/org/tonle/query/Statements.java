package org.tonle.query;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.Pin;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.Principal;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.AsOf;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.BoundTable;
import org.tonle.sql.Inputs;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.Statement;
import org.tonle.sql.TableName;

/**
 * Statements that were parsed and bound, and to which policy was applied: they hold for their text,
 * parameters and principal as long as the tables that they were bound to have the same columns.
 * Thread-safe.
 */
final class Statements {
    /** Of 16 KB and a character a byte each, that a text of 1 MB doesn't count like a short one. */
    private static final int TOGETHER = 16 << 20;

    /** For an engine to say how it would run a statement. */
    private static final Duration EXPLAINING = Duration.ofSeconds(30);

    private static final int EACH = 16 << 10;

    private final List<SourceDefinition> sources;
    private final Function<Principal, AccessPolicy> policies;
    private final SystemTables system;
    private final SqlEngine engine;
    private final Cache<Said, Bound> known =
            Caffeine.newBuilder()
                    .maximumWeight(TOGETHER)
                    .weigher((Said said, Bound bound) -> EACH + 8 * said.sql.length())
                    .build();

    /**
     * What a statement is bound by, beside the columns of its tables.
     *
     * @param asOf −1: whichever is the newest
     */
    private record Said(
            String sql,
            List<? extends @Nullable Object> parameters,
            Optional<String> namespace,
            Principal principal,
            long asOf) {}

    Statements(
            List<SourceDefinition> sources,
            Function<Principal, AccessPolicy> policies,
            SystemTables system,
            SqlEngine engine) {
        this.sources = List.copyOf(sources);
        this.policies = policies;
        this.system = system;
        this.engine = engine;
    }

    /**
     * One that may be run over tables in their states. Close it after each run: what was made for a
     * single run goes then.
     */
    static final class Bound implements AutoCloseable {
        private final BoundQuery query;
        private final PinnedTables tables;
        private final List<String> reads;
        private final Optional<StatementTables> once;
        private final Optional<StateKey> key;
        private final Optional<byte[]> state;
        private final Map<RowFormat, String> keys = new ConcurrentHashMap<>();
        private volatile long seq;

        /**
         * @param once the tables that are made for a single run; empty: there are none
         */
        Bound(
                BoundQuery query,
                PinnedTables tables,
                List<String> reads,
                Optional<StatementTables> once,
                Optional<StateKey> key,
                long seq) {
            this.query = query;
            this.tables = tables;
            this.reads = List.copyOf(reads);
            this.once = once;
            this.key = key;
            this.state = key.flatMap(printed -> printed.over(tables));
            this.seq = seq;
        }

        /** The names of the tables that the statement reads. */
        List<String> reads() {
            return reads;
        }

        /** Its files. */
        Inputs inputs() {
            return once.map(made -> made.inputs(query)).orElseGet(() -> tables.inputs(query));
        }

        @Override
        public void close() {
            once.ifPresent(StatementTables::close);
        }

        BoundQuery query() {
            return query;
        }

        /** Under which its answer is kept; empty if it can't be. */
        Optional<String> key(RowFormat format, QuerySettings.Limits limits) {
            return state.map(digest ->
                    keys.computeIfAbsent(format, form -> StateKey.of(digest, form, limits)));
        }

        /** The same over the tables of a pin; empty if it has to be bound anew to them. */
        private Optional<Bound> at(Pin pin) {
            if (seq == pin.seq()) {
                return Optional.of(this);
            }
            Optional<PinnedTables> there = tables.at(pin);
            if (there.isPresent() && there.get() == tables) {
                seq = pin.seq();
                return Optional.of(this);
            }
            return there.map(moved -> new Bound(query, moved, reads, once, key, pin.seq()));
        }
    }

    /** A statement over the tables of a pin, if it was bound to such tables before. */
    Optional<Bound> known(Question question, Pin pin) {
        Said said = said(question);
        Bound bound = known.getIfPresent(said);
        if (bound == null) {
            return Optional.empty();
        }
        Optional<Bound> there = bound.at(pin);
        if (there.isPresent() && there.get() != bound) {
            known.put(said, there.get());
        }
        return there;
    }

    /**
     * Binds a statement to the tables of a pin.
     *
     * @throws org.tonle.spi.LakeException as {@link Sql#query(String, List,
     *     org.tonle.sql.TableResolver, AccessPolicy, QueryLimits)}
     */
    Bound bind(Question question, Pin pin, QueryLimits limits) {
        Statement statement = Statement.of(question.sql());
        AccessPolicy policy = at(question.at(), policy(question.principal()));
        StatementTables tables =
                new StatementTables(pin, sources, question.namespace(), system, policy);
        if (statement instanceof Statement.Describe describe) {
            // so that a table that isn't seen is answered as everywhere
            var unused = Sql.query(describe.table(), List.of(), tables, policy, limits);
        }
        BoundQuery query =
                Sql.query(statement.select(), question.parameters(), tables, policy, limits);
        List<String> reads = query.reads().stream().map(TableName::toString).toList();
        if (statement instanceof Statement.Explain) {
            BoundQuery explained = query;
            try (tables) {
                tables.explain(
                        new Explanation(tables, query, question.principal().isAdmin())
                                .rows(() ->
                                        engine.explain(
                                                explained,
                                                tables.inputs(explained),
                                                new QueryLimits(EXPLAINING))));
            }
            query = Sql.query(Explanation.SELECT, tables);
        }
        boolean once = query.reads().stream().anyMatch(StatementTables::isAbout);
        Bound bound =
                new Bound(
                        query,
                        tables.pinned(),
                        reads,
                        once ? Optional.of(tables) : Optional.empty(),
                        once ? Optional.empty() : StateKey.of(query, engine),
                        pin.seq());
        if (!once) {
            known.put(said(question), bound);
        }
        return bound;
    }

    /** What a principal sees, of system tables too. */
    AccessPolicy policy(Principal principal) {
        return SystemTables.over(policies.apply(principal), principal);
    }

    /** The tables that a statement names, whoever sees them. */
    List<SqlTable> tables(String sql, Pin pin) {
        StatementTables tables =
                new StatementTables(pin, sources, Optional.empty(), system, AccessPolicy.ALL);
        String select =
                Statement.of(sql) instanceof Statement.Describe describe
                        ? describe.table()
                        : Statement.of(sql).select();
        return Sql.query(select, tables).tables().stream()
                .map(BoundTable::table)
                .distinct()
                .toList();
    }

    private static Said said(Question question) {
        return new Said(
                question.sql(),
                question.parameters(),
                question.namespace(),
                question.principal(),
                question.at() instanceof ReadPoint.AsOf(long seq) ? seq : -1);
    }

    /** An older state of the whole statement is one of each table that names none. */
    private static AccessPolicy at(ReadPoint at, AccessPolicy policy) {
        return at instanceof ReadPoint.AsOf(long seq)
                ? table ->
                        policy.of(table.at().isPresent() ? table : table.asOf(new AsOf.Commit(seq)))
                : policy;
    }
}
