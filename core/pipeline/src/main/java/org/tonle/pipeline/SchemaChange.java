package org.tonle.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.iceberg.Schema;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.TypeUtil;
import org.apache.iceberg.types.Types;
import org.tonle.catalog.StagedTable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.TableName;

/**
 * What must become of a table of rows so that rows of other columns fit into it, without a file
 * being written anew: columns are added, which old rows have NULL in, and types are widened, in
 * which old files are read then.
 */
record SchemaChange(List<Types.NestedField> added, List<Types.NestedField> widened) {
    /**
     * How a table gets from columns to others.
     *
     * @throws LakeException INCOMPATIBLE_CHANGE if its old rows can't follow
     */
    static SchemaChange of(TableName table, Schema before, Schema after) {
        List<Types.NestedField> widened = new ArrayList<>();
        for (Types.NestedField field : before.columns()) {
            Types.NestedField now = after.findField(field.name());
            if (now == null) {
                throw refused(table, "its column " + field.name() + " is gone");
            }
            if (field.isRequired() && now.isOptional()) {
                throw refused(table, "its column " + field.name() + " could become NULL");
            }
            if (!same(now.type(), field.type())) {
                if (!takesAll(now.type(), field.type())) {
                    throw refused(
                            table,
                            "its column %s was %s and would become %s"
                                    .formatted(field.name(), field.type(), now.type()));
                }
                widened.add(now);
            }
        }
        return new SchemaChange(
                after.columns().stream()
                        .filter(field -> before.findField(field.name()) == null)
                        .toList(),
                widened);
    }

    /** Whether two types are one, whatever the ids of what is inside of them. */
    static boolean same(Type one, Type other) {
        return withFreshIds(one).equals(withFreshIds(other));
    }

    private static Type withFreshIds(Type type) {
        return type.isPrimitiveType()
                ? type
                : TypeUtil.assignFreshIds(type, new AtomicInteger()::incrementAndGet);
    }

    /** As Iceberg has it: old files hold what the wider type is read from. */
    private static boolean takesAll(Type wide, Type narrow) {
        return switch (wide.typeId()) {
            case LONG -> narrow.typeId() == Type.TypeID.INTEGER;
            case DOUBLE -> narrow.typeId() == Type.TypeID.FLOAT;
            case DECIMAL ->
                    narrow instanceof Types.DecimalType was
                            && wide instanceof Types.DecimalType now
                            && now.scale() == was.scale()
                            && now.precision() >= was.precision();
            default -> false;
        };
    }

    static LakeException refused(TableName table, String why) {
        return new LakeException(
                ErrorCode.INCOMPATIBLE_CHANGE,
                "%s can't change like this: %s, and its rows are there already. Undo the change, cast the column to what it was, declare its type under columns: if it came by drift:, or give the dataset another name: it is then computed from the start"
                        .formatted(table, why));
    }

    boolean isNone() {
        return added.isEmpty() && widened.isEmpty();
    }

    /** Stages it; what is written afterwards has {@link StagedTable#schema}. */
    void apply(StagedTable staged) {
        if (isNone()) {
            return;
        }
        UpdateSchema update = staged.transaction().updateSchema();
        // under no parent: a name may have dots
        added.forEach(field -> update.addColumn(null, field.name(), field.type()));
        widened.forEach(field -> update.updateColumn(field.name(), field.type().asPrimitiveType()));
        update.commit();
    }

    /** Makes a staged table one that rows of some columns fit into. */
    static void apply(TableName table, StagedTable staged, Schema rows) {
        of(table, staged.schema(), rows).apply(staged);
    }
}
