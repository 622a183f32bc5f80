package org.tonle.duckdb;

import java.nio.file.Path;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.tonle.contracts.BoundsContract;
import org.tonle.sql.SqlEngine;

class DuckDbBoundsContractTest extends BoundsContract {
    private static final BufferAllocator ALLOCATOR = new RootAllocator();

    @Override
    protected SqlEngine open(Path directory) {
        return DuckDbEngine.open(
                new DuckDbSettings(List.of(directory), directory, 256L << 20, 2, 2), ALLOCATOR);
    }
}
