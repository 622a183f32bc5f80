package org.tonle.sql;

import java.util.List;
import java.util.Locale;
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

    LakeCatalog(Iterable<SqlTable> tables, RelDataTypeFactory types) {
        SchemaPlus root = CalciteSchema.createRootSchema(false, false).plus();
        Map<String, SchemaPlus> namespaces = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (SqlTable table : tables) {
            namespaces
                    .computeIfAbsent(
                            table.name().namespace(), name -> root.add(name, new AbstractSchema()))
                    .add(table.name().name(), new Bound(table));
        }
        Properties properties = new Properties();
        properties.setProperty(CalciteConnectionProperty.CASE_SENSITIVE.camelName(), "false");
        CalciteConnectionConfig config = new CalciteConnectionConfigImpl(properties);
        reader = new CalciteCatalogReader(CalciteSchema.from(root), List.of(), types, config);
    }

    CalciteCatalogReader reader() {
        return reader;
    }

    /** A table of the statement. */
    static final class Bound extends AbstractTable {
        private final SqlTable table;

        Bound(SqlTable table) {
            this.table = table;
        }

        SqlTable table() {
            return table;
        }

        @Override
        public RelDataType getRowType(RelDataTypeFactory types) {
            List<RelDataTypeField> shown = new java.util.ArrayList<>();
            List<RelDataTypeField> hidden = new java.util.ArrayList<>();
            for (Types.NestedField column : table.columns().toList()) {
                boolean hide = SqlTable.isHidden(column.name());
                (hide ? hidden : shown)
                        .add(
                                new RelDataTypeFieldImpl(
                                        column.name(),
                                        shown.size() + hidden.size(),
                                        SqlTypes.toCalcite(
                                                types, column.type(), column.isOptional())));
            }
            return new RowType(shown, hidden);
        }
    }

    /** A row whose hidden columns can be named, though they are not in the list of its columns. */
    private static final class RowType extends RelRecordType {
        private static final long serialVersionUID = 1L;

        @SuppressWarnings("serial") // the list Calcite's own record types hold is no other
        private final List<RelDataTypeField> hidden;

        RowType(List<RelDataTypeField> shown, List<RelDataTypeField> hidden) {
            super(shown);
            this.hidden = List.copyOf(hidden);
        }

        @Override
        public @Nullable RelDataTypeField getField(
                String name, boolean caseSensitive, boolean elideRecord) {
            RelDataTypeField field = super.getField(name, caseSensitive, elideRecord);
            if (field != null) {
                return field;
            }
            for (RelDataTypeField candidate : hidden) {
                if (candidate
                        .getName()
                        .toLowerCase(Locale.ROOT)
                        .equals(name.toLowerCase(Locale.ROOT))) {
                    return candidate;
                }
            }
            return null;
        }
    }
}
