package org.tonle.duckdb;

import java.nio.file.Path;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.AfterAll;
import org.tonle.contracts.ChangeNamesContract;
import org.tonle.sql.SqlEngine;

class DuckDbChangeNamesContractTest extends ChangeNamesContract {
    private static final BufferAllocator ALLOCATOR = new RootAllocator();

    @AfterAll
    static void nothingIsLeftOfArrowsMemory() {
        ALLOCATOR.close();
    }

    @Override
    protected SqlEngine open(Path directory) {
        return DuckDbEngine.open(
                new DuckDbSettings(List.of(directory), directory, 256L << 20, 2, 4), ALLOCATOR);
    }
}
