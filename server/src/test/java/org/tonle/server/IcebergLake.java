package org.tonle.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.rest.RESTCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.lake.Lake;
import org.tonle.lake.LakeOptions;
import org.tonle.spi.Principal;

/** A real lake with its doors open, for Iceberg clients. */
final class IcebergLake implements AutoCloseable {
    private final Path folder;
    private final Lake lake;
    private final LakeServer server;

    /** A folder that holds these files. */
    IcebergLake(Path folder, Map<String, String> files) {
        this.folder = folder;
        write(
                "lake.yaml",
                "name: test\ningest: {commit-interval: 200ms}\nrefresh-interval: 100ms\n");
        files.forEach(this::write);
        lake = Lake.open(folder, LakeOptions.ofProcess());
        server = LakeServer.start(Backend.of(lake), ServerOptions.onPort(0));
    }

    private void write(String file, String text) {
        try {
            Files.createDirectories(folder.resolve(file).resolveSibling("."));
            Files.writeString(folder.resolve(file), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Lake lake() {
        return lake;
    }

    String url() {
        return server.url();
    }

    String adminToken() {
        try {
            return Files.readString(folder.resolve(".tonle/admin-token")).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String tokenOf(String user) {
        return lake.access()
                .createKey(Set.of(), Optional.of(user), Optional.empty(), Principal.LAKE)
                .token();
    }

    /** What a client is told. */
    Map<String, String> properties(String token) {
        return Map.of(
                CatalogProperties.URI,
                url() + "/iceberg",
                "token",
                token,
                CatalogProperties.FILE_IO_IMPL,
                LocalFileIO.class.getName());
    }

    RESTCatalog client(String token) {
        RESTCatalog catalog = new RESTCatalog();
        catalog.initialize("tonle", properties(token));
        return catalog;
    }

    @Override
    public void close() {
        server.close();
        lake.close();
    }
}
