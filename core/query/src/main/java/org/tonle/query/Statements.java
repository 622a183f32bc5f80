package org.tonle.query;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.tonle.catalog.Pin;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.Principal;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;

/**
 * Statements that were parsed and bound, and to which policy was applied, for as long as the tables
 * they read stay in the same state. Thread-safe.
 */
final class Statements {
    /** Of 16 KB and a character a byte each, that a text of 1 MB doesn't count like a short one. */
    private static final int TOGETHER = 16 << 20;

    private static final int EACH = 16 << 10;

    private final List<SourceDefinition> sources;
    private final Function<Principal, AccessPolicy> policies;
    private final SqlEngine engine;
    private final Cache<Said, Bound> known =
            Caffeine.newBuilder()
                    .maximumWeight(TOGETHER)
                    .weigher((Said said, Bound bound) -> EACH + 8 * said.sql.length())
                    .build();

    /**
     * What a statement is bound by, beside the state of its tables.
     *
     * @param asOf −1: whichever is the newest
     */
    private record Said(String sql, Principal principal, long asOf) {}

    Statements(
            List<SourceDefinition> sources,
            Function<Principal, AccessPolicy> policies,
            SqlEngine engine) {
        this.sources = List.copyOf(sources);
        this.policies = policies;
        this.engine = engine;
    }

    /** One that may be run over the tables it was bound to. */
    static final class Bound {
        private final BoundQuery query;
        private final PinnedTables tables;
        private final Optional<byte[]> state;
        private final Map<RowFormat, String> keys = new ConcurrentHashMap<>();
        private volatile long seq;

        Bound(BoundQuery query, PinnedTables tables, Optional<byte[]> state, long seq) {
            this.query = query;
            this.tables = tables;
            this.state = state;
            this.seq = seq;
        }

        BoundQuery query() {
            return query;
        }

        PinnedTables tables() {
            return tables;
        }

        /** Under which its answer is kept; empty if it can't be. */
        Optional<String> key(RowFormat format, QuerySettings.Limits limits) {
            return state.map(digest ->
                    keys.computeIfAbsent(format, form -> StateKey.of(digest, form, limits)));
        }

        private boolean holdsAt(Pin pin) {
            if (seq == pin.seq()) {
                return true;
            }
            if (!tables.areThoseOf(pin)) {
                return false;
            }
            seq = pin.seq();
            return true;
        }
    }

    /** A statement over the tables of a pin, if that is known already. */
    Optional<Bound> known(Question question, Pin pin) {
        return Optional.ofNullable(known.getIfPresent(said(question)))
                .filter(bound -> bound.holdsAt(pin));
    }

    /**
     * Binds a statement to the tables of a pin.
     *
     * @throws org.tonle.spi.LakeException as {@link Sql#query(String, org.tonle.sql.TableResolver,
     *     AccessPolicy)}
     */
    Bound bind(Question question, Pin pin) {
        PinnedTables tables = new PinnedTables(pin, sources);
        BoundQuery query = Sql.query(question.sql(), tables, policies.apply(question.principal()));
        Bound bound = new Bound(query, tables, StateKey.of(query, tables, engine), pin.seq());
        known.put(said(question), bound);
        return bound;
    }

    private static Said said(Question question) {
        return new Said(
                question.sql(),
                question.principal(),
                question.at() instanceof ReadPoint.AsOf(long seq) ? seq : -1);
    }
}
