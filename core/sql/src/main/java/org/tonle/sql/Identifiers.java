package org.tonle.sql;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/** The names that occur in a tree. */
final class Identifiers {
    private Identifiers() {}

    /** Those of the columns that are named in the tree, in their own order and case. */
    static List<String> columns(SqlNode tree, Stream<Types.NestedField> columns) {
        Set<String> names = names(tree);
        return columns.map(Types.NestedField::name)
                .filter(name -> names.contains(name.toLowerCase(Locale.ROOT)))
                .toList();
    }

    /** The last part of every identifier, in lower case. */
    static Set<String> names(SqlNode tree) {
        Set<String> names = new HashSet<>();
        tree.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlIdentifier id) {
                        // a path into a struct names its column before its end
                        id.names.forEach(name -> names.add(name.toLowerCase(Locale.ROOT)));
                        return null;
                    }
                });
        return names;
    }
}
