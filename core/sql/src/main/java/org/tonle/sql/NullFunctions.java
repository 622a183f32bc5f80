package org.tonle.sql;

import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlCallBinding;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.fun.SqlCoalesceFunction;
import org.apache.calcite.sql.fun.SqlNullifFunction;
import org.apache.calcite.sql.type.SqlTypeUtil;
import org.apache.calcite.sql.validate.SqlValidator;

/**
 * COALESCE and NULLIF as they are written. Calcite's make CASE of them, with each operand twice:
 * twenty within each other would be a million.
 */
final class NullFunctions {
    static final SqlFunction COALESCE = new Coalesce();
    static final SqlFunction NULLIF = new Nullif();

    private NullFunctions() {}

    private static final class Coalesce extends SqlCoalesceFunction {
        @Override
        public SqlNode rewriteCall(SqlValidator validator, SqlCall call) {
            return call;
        }

        /** What doesn't go together is cast, as in a CASE, or else refused with the result. */
        @Override
        public boolean checkOperandTypes(SqlCallBinding binding, boolean throwOnFailure) {
            return true;
        }
    }

    private static final class Nullif extends SqlNullifFunction {
        @Override
        public SqlNode rewriteCall(SqlValidator validator, SqlCall call) {
            return call;
        }

        /** A text is compared with anything, as by {@code =}. */
        @Override
        public boolean checkOperandTypes(SqlCallBinding binding, boolean throwOnFailure) {
            return SqlTypeUtil.inCharFamily(binding.getOperandType(0))
                    || SqlTypeUtil.inCharFamily(binding.getOperandType(1))
                    || super.checkOperandTypes(binding, throwOnFailure);
        }
    }
}
