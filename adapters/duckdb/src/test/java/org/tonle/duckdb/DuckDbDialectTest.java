package org.tonle.duckdb;

import org.junit.jupiter.api.Test;
import org.tonle.contracts.NestedFunctions;

class DuckDbDialectTest {
    @Test
    void printsEachOperandOnce() {
        NestedFunctions.assertPrintedOnce(DuckDbDialect.INSTANCE);
    }
}
