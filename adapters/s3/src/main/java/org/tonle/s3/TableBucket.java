package org.tonle.s3;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import org.apache.iceberg.aws.s3.S3FileIO;
import org.apache.iceberg.aws.s3.S3FileIOProperties;
import org.apache.iceberg.io.FileIO;
import org.tonle.definition.StorageDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.DelegatingS3Client;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Request;

/**
 * The bucket that tables lie in. An object is written once: a write is refused where there is one
 * already, unless an earlier attempt of the same write made it, whose answer got lost. What the
 * server refuses is STORAGE; that an object isn't there is left to whoever asked.
 */
public final class TableBucket extends DelegatingS3Client {
    /** In an object's metadata: which write made it. */
    private static final String WRITE = "tonle-write";

    private static final String ANY = "*";
    private static final int NOT_FOUND = 404;
    private static final int EXISTS = 412;

    private final StorageDefinition.Bucket storage;

    TableBucket(StorageDefinition.Bucket storage, S3Client client) {
        super(client);
        this.storage = storage;
    }

    /**
     * The bucket's files by their location, as Iceberg reads and writes them. Asks nothing yet.
     *
     * @param staging an existing directory in which what is written waits until it is complete
     * @throws LakeException STORAGE if nothing says in which region it is
     */
    public static FileIO files(StorageDefinition.Bucket storage, Path staging) {
        S3Client client = new TableBucket(storage, BucketClient.open(storage.bucket()));
        S3FileIO files = new S3FileIO(() -> client);
        Map<String, String> properties = new HashMap<>();
        properties.put(S3FileIOProperties.CHECKSUM_ENABLED, "true");
        properties.put(S3FileIOProperties.STAGING_DIRECTORY, staging.toString());
        storage.encryption()
                .ifPresent(encryption -> {
                    switch (encryption) {
                        case StorageDefinition.Encryption.Server server ->
                                properties.put(
                                        S3FileIOProperties.SSE_TYPE,
                                        S3FileIOProperties.SSE_TYPE_S3);
                        case StorageDefinition.Encryption.KeyService(String key) -> {
                            properties.put(
                                    S3FileIOProperties.SSE_TYPE, S3FileIOProperties.SSE_TYPE_KMS);
                            properties.put(S3FileIOProperties.SSE_KEY, key);
                        }
                    }
                });
        files.initialize(properties);
        return files;
    }

    /**
     * Asks whether the bucket is there and may be used.
     *
     * @throws LakeException STORAGE with what to do
     */
    public static void require(StorageDefinition.Bucket storage) {
        try (S3Client client = new TableBucket(storage, BucketClient.open(storage.bucket()))) {
            var unused = client.headBucket(request -> request.bucket(storage.bucket().name()));
        } catch (S3Exception e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "There is no bucket %s at its server. Make it, or change storage: in lake.yaml."
                            .formatted(storage.bucket().name()),
                    e);
        }
    }

    @Override
    public PutObjectResponse putObject(PutObjectRequest request, RequestBody body) {
        String write = UUID.randomUUID().toString();
        Map<String, String> metadata = new HashMap<>(request.metadata());
        metadata.put(WRITE, write);
        PutObjectRequest once = request.toBuilder().metadata(metadata).ifNoneMatch(ANY).build();
        try {
            return asked(once, r -> ((S3Client) delegate()).putObject(r, body));
        } catch (S3Exception e) {
            if (e.statusCode() == EXISTS && isOwn(request, write)) {
                return PutObjectResponse.builder().build();
            }
            throw mapped(e);
        }
    }

    private boolean isOwn(PutObjectRequest request, String write) {
        return write.equals(
                headObject(head -> head.bucket(request.bucket()).key(request.key()))
                        .metadata()
                        .get(WRITE));
    }

    @Override
    public CompleteMultipartUploadResponse completeMultipartUpload(
            CompleteMultipartUploadRequest request) {
        return super.completeMultipartUpload(request.toBuilder().ifNoneMatch(ANY).build());
    }

    @Override
    protected <T extends S3Request, R> R invokeOperation(T request, Function<T, R> operation) {
        try {
            return asked(request, operation);
        } catch (S3Exception e) {
            throw mapped(e);
        }
    }

    /** With what the server said left as it is. */
    private <T extends S3Request, R> R asked(T request, Function<T, R> operation) {
        try {
            return operation.apply(request);
        } catch (S3Exception | AbortedException e) {
            throw e;
        } catch (SdkException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "%s can't be reached now: %s. See whether its server runs and endpoint: of storage: in lake.yaml names it; what was taken waits and goes on by itself."
                            .formatted(storage.bucket(), e.getMessage()),
                    e);
        }
    }

    private RuntimeException mapped(S3Exception e) {
        String code =
                e.awsErrorDetails() == null
                        ? ""
                        : Objects.requireNonNullElse(e.awsErrorDetails().errorCode(), "");
        String why = "%d %s".formatted(e.statusCode(), code).strip();
        return switch (e.statusCode()) {
            case NOT_FOUND ->
                    "NoSuchBucket".equals(code)
                            ? new LakeException(
                                    ErrorCode.STORAGE,
                                    "There is no bucket %s at its server. Make it, or change storage: in lake.yaml."
                                            .formatted(storage.bucket().name()),
                                    e)
                            : e;
            case 401, 403 ->
                    new LakeException(
                            ErrorCode.STORAGE,
                            "The server refuses the lake at %s (%s). See whether its access-key holds and may list, get, put and delete there, and the key of its encryption be used."
                                    .formatted(storage.bucket(), why),
                            e);
            case EXISTS ->
                    new LakeException(
                            ErrorCode.STORAGE,
                            "Somebody else wrote an object of the lake's name at %s (%s). Nothing was written over; see who else writes there."
                                    .formatted(storage.bucket(), why),
                            e);
            default ->
                    new LakeException(
                            ErrorCode.STORAGE,
                            "%s can't be read or written now: %s. What was taken waits and goes on by itself."
                                    .formatted(storage.bucket(), why),
                            e);
        };
    }
}
