package org.tonle.sql;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.apache.calcite.jdbc.JavaTypeFactoryImpl;
import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.rel.type.RelDataTypeField;
import org.apache.calcite.rel.type.StructKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * The types of one statement. A type has so many parts at most: subqueries that say {@code *}, or
 * put a row into a row, double them at each level.
 */
final class LakeTypeFactory extends JavaTypeFactoryImpl {
    /** Of a row, with what its columns consist of. */
    static final int MAX_COLUMNS = 4_000;

    LakeTypeFactory() {
        super(new LakeTypeSystem());
    }

    /** Of rows, arrays and maps within each other. */
    static final int MAX_LEVELS = 30;

    /** A row became too wide; nobody knows here which. */
    static final class TooWide extends LakeException {
        private static final long serialVersionUID = 1L;

        TooWide() {
            super(
                    ErrorCode.UNSUPPORTED_SQL,
                    "a row here has more than "
                            + MAX_COLUMNS
                            + " columns, or one nested in more than "
                            + MAX_LEVELS
                            + " levels; name the columns that are needed instead of *");
        }
    }

    @Override
    public Charset getDefaultCharset() {
        return StandardCharsets.UTF_8;
    }

    @Override
    public RelDataType createTypeWithNullability(RelDataType type, boolean nullable) {
        return type instanceof LakeCatalog.RowType row
                ? row.withNullability(this, nullable)
                : super.createTypeWithNullability(type, nullable);
    }

    @Override
    public RelDataType enforceTypeWithNullability(RelDataType type, boolean nullable) {
        return type instanceof LakeCatalog.RowType row
                ? row.withNullability(this, nullable)
                : super.enforceTypeWithNullability(type, nullable);
    }

    @Override
    protected RelDataType canonize(
            StructKind kind, List<String> names, List<RelDataType> types, boolean nullable) {
        check(types);
        return super.canonize(kind, names, types, nullable);
    }

    @Override
    public RelDataType createJoinType(RelDataType... types) {
        check(List.of(types));
        return super.createJoinType(types);
    }

    @Override
    public RelDataType createMapType(RelDataType key, RelDataType value) {
        check(List.of(key, value));
        return super.createMapType(key, value);
    }

    @Override
    public RelDataType createArrayType(RelDataType element, long most) {
        check(List.of(element));
        return super.createArrayType(element, most);
    }

    private static void check(List<RelDataType> types) {
        BigStack.check();
        if (left(types, MAX_COLUMNS, 0) < 0) {
            throw new TooWide();
        }
    }

    /**
     * What is left of {@code most} parts; negative: there are more, or they are nested too deep.
     */
    private static int left(List<RelDataType> types, int most, int level) {
        int left = level > MAX_LEVELS ? -1 : most;
        for (int i = 0; i < types.size() && left >= 0; i++) {
            left = left(types.get(i), left, level);
        }
        return left;
    }

    private static int left(RelDataType type, int most, int level) {
        if (type.isStruct()) {
            return left(
                    type.getFieldList().stream().map(RelDataTypeField::getType).toList(),
                    most,
                    level + 1);
        }
        List<RelDataType> parts =
                Stream.of(type.getComponentType(), type.getKeyType(), type.getValueType())
                        .filter(Objects::nonNull)
                        .toList();
        return parts.isEmpty() ? most - 1 : left(parts, most, level + 1);
    }
}
