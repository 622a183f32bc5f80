package org.tonle.s3;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.types.Types;
import org.tonle.catalog.CachedFiles;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.contracts.FaultyProxy;
import org.tonle.contracts.ObjectServer;
import org.tonle.definition.FileLocation;
import org.tonle.definition.StorageDefinition;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.spi.FailPoints;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/** A prefix of a bucket with a way to it of its own, on which something may go wrong. */
final class BucketCell implements AutoCloseable {
    /** The size of what goes up in one request. */
    static final int SMALL = 200_000;

    /** The size of what goes up in two parts. */
    static final int LARGE = 8_000_000;

    /** The smallest parts that servers take. */
    private static final int PART = 5 << 20;

    /** What isn't answered in time is asked again, as in a lake, only sooner. */
    private static final Duration SILENCE = Duration.ofSeconds(6);

    private static final long ROOMY = 1 << 30;
    private static final Schema SCHEMA =
            new Schema(Types.NestedField.required(1, "id", Types.LongType.get()));

    private final String name;
    private final Path dir;
    private final ObjectServer server;
    private final Ledger ledger;
    private final FaultyProxy proxy;
    private final S3Client client;
    private final CachedFiles copies;
    private final LakeCatalog catalog;

    /**
     * @param name that no other one has
     * @param dir for whatever it needs
     */
    BucketCell(String name, Path dir, ObjectServer server, Ledger ledger) throws IOException {
        this.name = name;
        this.dir = Files.createDirectories(dir.resolve(name));
        this.server = server;
        this.ledger = ledger;
        this.proxy = new FaultyProxy(server.endpoint());
        FileLocation.Bucket bucket = server.through(proxy.address(), name + "/");
        this.client = new TableBucket(storage(bucket), BucketClient.open(bucket, SILENCE));
        this.copies =
                new CachedFiles(
                        TableBucket.files(
                                storage(bucket),
                                this.dir,
                                BucketClient.open(bucket, SILENCE),
                                PART),
                        place(),
                        this.dir.resolve("copies"),
                        ROOMY);
        this.catalog = new LakeCatalog(ledger, copies, FailPoints.NONE);
    }

    private static StorageDefinition.Bucket storage(FileLocation.Bucket bucket) {
        return new StorageDefinition.Bucket(bucket, Optional.empty(), ROOMY);
    }

    String place() {
        return "s3://" + ObjectServer.BUCKET + "/" + name;
    }

    String location(String object) {
        return place() + "/" + object;
    }

    FaultyProxy proxy() {
        return proxy;
    }

    FileIO files() {
        return copies.io();
    }

    CachedFiles copies() {
        return copies;
    }

    /** Puts an object there, past everything that may go wrong. */
    void there(String object, byte[] bytes) {
        server.put(name + "/" + object, bytes);
    }

    /** As what an engine wrote is stored. */
    void write(String object, byte[] bytes) throws IOException {
        Path path = copies.path(location(object));
        Files.createDirectories(path.getParent());
        Files.write(path, bytes);
        copies.store(path);
    }

    List<String> keys() {
        return client
                .listObjectsV2(list -> list.bucket(ObjectServer.BUCKET).prefix(name + "/"))
                .contents()
                .stream()
                .map(S3Object::key)
                .map(key -> key.substring(name.length() + 1))
                .toList();
    }

    private TableIdentifier table() {
        return TableIdentifier.of("ns", name.replace('-', '_'));
    }

    void createTable() {
        catalog.ensureNamespace("ns", "test");
        try (StagedCommit commit = catalog.stage()) {
            commit.create(table(), SCHEMA, PartitionSpec.unpartitioned(), Map.of());
            commit.publish(CommitRequest.builder(commit.id(), "test", "tester"));
        }
    }

    /** Commits a file with one row, as far as anybody knows. */
    void append(byte[] bytes) throws IOException {
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(table(), StagedTable.OnConflict.REAPPLY);
            Path path = table.newDataFile("");
            Files.write(path, bytes);
            table.append(
                    List.of(
                            DataFiles.builder(PartitionSpec.unpartitioned())
                                    .withPath(table.location(path))
                                    .withFileSizeInBytes(bytes.length)
                                    .withRecordCount(1)
                                    .withFormat("parquet")
                                    .build()));
            commit.publish(CommitRequest.builder(commit.id(), "test", "tester"));
        }
    }

    /** The table's rows, by somebody who reads all of its files anew. */
    long commits(byte[] bytes) throws IOException {
        try (CachedFiles others =
                new CachedFiles(
                        TableBucket.files(storage(server.bucket(name + "/")), dir),
                        place(),
                        Files.createTempDirectory(dir, "others"),
                        ROOMY)) {
            PinnedTable table =
                    new LakeCatalog(ledger, others, FailPoints.NONE)
                            .pin()
                            .table(table())
                            .orElseThrow();
            List<Path> paths = table.files().stream().map(table::path).toList();
            return others.with(
                    paths,
                    () -> {
                        assertThat(paths)
                                .allSatisfy(path -> assertThat(path).hasBinaryContent(bytes));
                        return table.records();
                    });
        }
    }

    @Override
    public void close() throws IOException {
        copies.close();
        client.close();
        proxy.close();
    }
}
