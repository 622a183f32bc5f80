package org.tonle.e2e;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.tonle.catalog.CachedFiles;
import org.tonle.contracts.FaultyProxy;
import org.tonle.contracts.ObjectServer;
import org.tonle.definition.FileLocation;
import org.tonle.definition.StorageDefinition;
import org.tonle.s3.TableBucket;

/** A bucket for a lake's tables, behind a proxy. */
final class LakeBucket implements AutoCloseable {
    static final String PREFIX = "crash/tables/";

    private static final long CACHE = 64L << 20;

    private final Path dir;
    private final ObjectServer server;
    private final FaultyProxy proxy;

    /**
     * @param dir for the server, and for what the test needs beside the lake
     */
    LakeBucket(Path dir) throws Exception {
        this.dir = dir;
        this.server = ObjectServer.start(Files.createDirectories(dir.resolve("objects")));
        this.proxy = new FaultyProxy(server.endpoint());
    }

    FaultyProxy proxy() {
        return proxy;
    }

    /** What lake.yaml says of it. */
    String section() throws Exception {
        FileLocation.Bucket bucket = server.bucket(PREFIX);
        FileLocation.Credentials credentials = bucket.credentials().orElseThrow();
        Path secret = Files.writeString(dir.resolve("secret"), credentials.secretKey().reveal());
        return """
        storage:
          path: %s
          endpoint: %s
          access-key: %s
          secret-key: ${file:%s}
          path-style: true
          cache: 64MB
        """
                .formatted(bucket, proxy.address(), credentials.accessKey().reveal(), secret);
    }

    /** Judges a stopped lake by what is in the bucket alone. */
    History.Verdict judge(Path folder, RetryingClient client) throws Exception {
        StorageDefinition.Bucket storage =
                new StorageDefinition.Bucket(server.bucket(PREFIX), Optional.empty(), CACHE);
        try (CachedFiles files =
                new CachedFiles(
                        TableBucket.files(storage, dir),
                        storage.place(),
                        dir.resolve("copies"),
                        CACHE)) {
            return CrashRun.judge(folder, files, client);
        }
    }

    @Override
    public void close() throws Exception {
        proxy.close();
        server.close();
    }
}
