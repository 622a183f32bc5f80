package org.tonle.cli;

import java.nio.file.Path;
import org.tonle.lake.Lake;
import org.tonle.lake.LakeOptions;
import org.tonle.server.Backend;
import org.tonle.server.LakeServer;
import org.tonle.server.ServerOptions;

/** A lake with its doors open, announced in {@code lake.json}. */
final class ServedLake implements AutoCloseable {
    private final Path folder;
    private final Lake lake;
    private final LakeServer server;

    private ServedLake(Path folder, Lake lake, LakeServer server) {
        this.folder = folder;
        this.lake = lake;
        this.server = server;
    }

    /** Returns when it takes requests and {@code lake.json} says where. */
    static ServedLake start(Path folder, int port, LakeOptions options) {
        Lake lake = Lake.open(folder, options);
        try {
            // of one that was killed; the folder is ours now
            LakeAddress.remove(folder);
            LakeServer server = LakeServer.start(Backend.of(lake), ServerOptions.onPort(port));
            try {
                new LakeAddress(server.url(), ProcessHandle.current().pid(), Main.version())
                        .write(folder);
                return new ServedLake(folder, lake, server);
            } catch (RuntimeException e) {
                server.close();
                throw e;
            }
        } catch (RuntimeException e) {
            lake.close();
            throw e;
        }
    }

    String url() {
        return server.url();
    }

    String name() {
        return lake.definition().name();
    }

    /**
     * Refuses requests with 503, finishes those inside and what they left to do, then stops the
     * lake.
     */
    @Override
    public void close() {
        try (lake;
                server) {
            server.refuse();
            try {
                LakeAddress.remove(folder);
            } finally {
                lake.drain();
            }
        }
    }
}
