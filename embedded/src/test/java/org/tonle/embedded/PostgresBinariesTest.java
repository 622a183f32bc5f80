package org.tonle.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PostgresBinariesTest {
    @TempDir Path cache;

    @Test
    void whoeverUnpacksAtTheSameTimeFindsOneCompleteFolder() throws Exception {
        List<Callable<Path>> three = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            three.add(() -> PostgresBinaries.locate(cache));
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Path> home : threads.invokeAll(three)) {
                assertThat(home.get().resolve("bin/initdb")).isExecutable();
                assertThat(home.get().resolve("lib/libpq.so.5")).isSymbolicLink();
            }
        }
        try (var entries = Files.list(cache)) {
            assertThat(entries.map(p -> p.getFileName().toString()))
                    .hasSize(1)
                    .allMatch(name -> name.startsWith("postgres-"));
        }
    }
}
