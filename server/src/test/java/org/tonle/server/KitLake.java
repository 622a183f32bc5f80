package org.tonle.server;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The lake that Iceberg's REST compatibility kit is run against; the kit takes what it needs to
 * know from system properties, and starts no server of its own.
 */
final class KitLake implements BeforeAllCallback, AfterAllCallback {
    private IcebergLake lake;
    private Path folder;
    private final Map<String, String> set = new HashMap<>();

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        folder = Files.createTempDirectory("tonle-kit");
        lake = new IcebergLake(folder, Map.of());
        set.putAll(lake.properties(lake.adminToken()));
        set.put("rck.requires-namespace-create", "true");
        set.put("rck.supports-serverside-retry", "true");
        set.put("rck.supports-names-with-dot", "true");
        set.forEach(System::setProperty);
    }

    @Override
    public void afterAll(ExtensionContext context) throws IOException {
        set.keySet().forEach(System::clearProperty);
        lake.close();
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        }
    }
}
