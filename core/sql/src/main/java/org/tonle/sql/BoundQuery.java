package org.tonle.sql;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.apache.iceberg.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A SELECT that was parsed, bound to pinned tables, and found to hold nothing but what Tonle's SQL
 * means. Only this module makes one; it is immutable.
 */
public final class BoundQuery {
    private final SqlNode tree;
    private final List<BoundTable> tables;
    private final Schema schema;
    private final Optional<Position> position;

    /** For the engine that was asked last, which is the only one for most of the time. */
    private volatile EngineWriter.@Nullable Printed printed;

    /**
     * @param position where its text stands, so that an engine that can't say some of it names the
     *     place; empty: in no text of whoever asks
     */
    BoundQuery(SqlNode tree, List<BoundTable> tables, Schema schema, Optional<Position> position) {
        this.tree = tree;
        this.tables = List.copyOf(tables);
        this.schema = schema;
        this.position = position;
    }

    /** The same for somebody who doesn't see its text. */
    BoundQuery withoutPosition() {
        return new BoundQuery(tree, tables, schema, Optional.empty());
    }

    SqlNode tree() {
        return tree;
    }

    /** The result's columns: field ids from 1 in order. */
    public Schema schema() {
        return schema;
    }

    /** Every reference to a table, in the order of the text. */
    public List<BoundTable> tables() {
        return tables;
    }

    /** Each table whose files are read, once; those that row filters and masks look at too. */
    public List<TableName> reads() {
        return tables.stream()
                .flatMap(bound ->
                        bound.guard()
                                .map(guard -> guard.reads().stream())
                                .orElse(Stream.of(bound.table().name())))
                .distinct()
                .toList();
    }

    /** Whether a row filter or a mask of a table that it reads asks other tables. */
    public boolean isGuardedByOthers() {
        return tables.stream()
                .anyMatch(bound ->
                        bound.guard().stream()
                                .flatMap(guard -> guard.reads().stream())
                                .anyMatch(name -> !name.equals(bound.table().name())));
    }

    /** Whether something of what it reads is hidden, by a row filter, a mask or a grant. */
    public boolean isGuarded() {
        return tables.stream().anyMatch(bound -> bound.guard().isPresent());
    }

    /**
     * Whether it, a row filter or a mask looks at the clock: its answer then depends on more than
     * what the tables hold.
     */
    public boolean isVolatile() {
        return asksForTheTime(tree)
                || tables.stream()
                        .anyMatch(bound -> bound.guard().map(BoundQuery::isVolatile).orElse(false));
    }

    private static boolean asksForTheTime(SqlNode tree) {
        boolean[] found = new boolean[1];
        tree.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        found[0] |= Vocabulary.isClock(call.getOperator().getName());
                        return super.visit(call);
                    }

                    @Override
                    public @Nullable Void visit(SqlIdentifier name) {
                        // a function without parentheses; a column of that name costs a cache hit
                        found[0] |= Vocabulary.isClock(name.names.getLast());
                        return null;
                    }
                });
        return found[0];
    }

    /**
     * The statement in an engine's dialect. The columns of its result stand in the order of {@link
     * #schema}, but the engine decides their names and may hold them in wider types.
     *
     * @param fragment what stands in FROM for a reference: a subquery in parentheses, whose columns
     *     have the table's names
     */
    public String print(SqlDialect dialect, Function<BoundTable, String> fragment) {
        List<String> fragments =
                tables.stream()
                        .map(bound ->
                                bound.guard()
                                        .map(guard -> "(" + guard.print(dialect, fragment) + ")")
                                        .orElseGet(() -> fragment.apply(bound)))
                        .toList();
        EngineWriter.Printed known = printed;
        if (known == null || known.dialect() != dialect) {
            known = EngineWriter.print(tree, dialect, position);
            printed = known;
        }
        String text = known.with(fragments);
        PolicyCheck.checkPrinted(text, tables, fragments, dialect);
        return text;
    }
}
