package org.tonle.sql;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.calcite.config.CalciteConnectionConfig;
import org.apache.calcite.config.CalciteConnectionConfigImpl;
import org.apache.calcite.config.CalciteConnectionProperty;
import org.apache.calcite.jdbc.CalciteSchema;
import org.apache.calcite.prepare.CalciteCatalogReader;
import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.calcite.rel.type.RelDataTypeField;
import org.apache.calcite.rel.type.RelDataTypeFieldImpl;
import org.apache.calcite.rel.type.RelRecordType;
import org.apache.calcite.schema.SchemaPlus;
import org.apache.calcite.schema.impl.AbstractSchema;
import org.apache.calcite.schema.impl.AbstractTable;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/** The tables of one statement, as Calcite looks them up: two-part names, any case. */
final class LakeCatalog {
    private final CalciteCatalogReader reader;

    /** A table, and what of it is seen. */
    record Seen(SqlTable whole, Access access) {
        SqlTable shown() {
            return access.isRestricted() ? Guard.shown(whole, access) : whole;
        }
    }

    LakeCatalog(Iterable<Seen> tables, RelDataTypeFactory types) {
        this(tables, types, true);
    }

    /**
     * @param hiding whether hidden columns are left out of a table's list of columns; algebra
     *     counts them like all others
     */
    LakeCatalog(Iterable<Seen> tables, RelDataTypeFactory types, boolean hiding) {
        SchemaPlus root = CalciteSchema.createRootSchema(false, false).plus();
        Map<String, SchemaPlus> namespaces = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (Seen seen : tables) {
            SqlTable table = seen.shown();
            namespaces
                    .computeIfAbsent(
                            table.name().namespace(), name -> root.add(name, new AbstractSchema()))
                    .add(entry(table.name()), new Bound(seen, table, hiding));
        }
        Properties properties = new Properties();
        properties.setProperty(CalciteConnectionProperty.CASE_SENSITIVE.camelName(), "false");
        CalciteConnectionConfig config = new CalciteConnectionConfigImpl(properties);
        reader = new CalciteCatalogReader(CalciteSchema.from(root), List.of(), types, config);
    }

    /** What a table is called within its namespace: a state of its own makes it another. */
    static String entry(TableName name) {
        return name.name() + name.at().map(at -> " as of " + at).orElse("");
    }

    CalciteCatalogReader reader() {
        return reader;
    }

    /** A table of the statement. */
    static final class Bound extends AbstractTable {
        private final Seen seen;
        private final SqlTable table;
        private final boolean hiding;

        Bound(Seen seen, SqlTable table, boolean hiding) {
            this.seen = seen;
            this.table = table;
            this.hiding = hiding;
        }

        Seen seen() {
            return seen;
        }

        SqlTable table() {
            return table;
        }

        @Override
        public RelDataType getRowType(RelDataTypeFactory types) {
            List<Types.NestedField> ordered = new ArrayList<>(table.columns().toList());
            // stable: hidden ones go last, the rest stays as it is
            ordered.sort(Comparator.comparing(column -> SqlTable.isHidden(column.name())));
            List<RelDataTypeField> fields = new ArrayList<>();
            int shown = 0;
            for (Types.NestedField column : ordered) {
                shown += SqlTable.isHidden(column.name()) ? 0 : 1;
                fields.add(
                        new RelDataTypeFieldImpl(
                                column.name(),
                                fields.size(),
                                SqlTypes.toCalcite(types, column.type(), column.isOptional())));
            }
            return !hiding || shown == fields.size()
                    ? new RelRecordType(fields)
                    : new RowType(fields, shown);
        }
    }

    /**
     * A row whose hidden columns can be named and fetched by index, though the list of its columns
     * ends before them, so that {@code *} doesn't see them.
     */
    static final class RowType extends RelRecordType {
        private static final long serialVersionUID = 1L;

        @SuppressWarnings("serial") // the list Calcite's own record types hold is no other
        private final List<RelDataTypeField> all;

        private final int shown;

        RowType(List<RelDataTypeField> all, int shown) {
            super(all.subList(0, shown));
            this.all = List.copyOf(all);
            this.shown = shown;
        }

        /** The row on the side of an outer join that may be missing. */
        RowType withNullability(RelDataTypeFactory types, boolean nullable) {
            return nullable
                    ? new RowType(
                            all.stream()
                                    .<RelDataTypeField>map(field ->
                                            new RelDataTypeFieldImpl(
                                                    field.getName(),
                                                    field.getIndex(),
                                                    types.createTypeWithNullability(
                                                            field.getType(), true)))
                                    .toList(),
                            shown)
                    : this;
        }

        @Override
        public List<RelDataTypeField> getFieldList() {
            return new AbstractList<>() {
                @Override
                public RelDataTypeField get(int index) {
                    return all.get(index);
                }

                @Override
                public int size() {
                    return shown;
                }
            };
        }

        @Override
        public @Nullable RelDataTypeField getField(
                String name, boolean caseSensitive, boolean elideRecord) {
            return all.stream()
                    .filter(field -> field.getName().equalsIgnoreCase(name))
                    .findFirst()
                    .orElse(null);
        }
    }
}
