package org.tonle.s3;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.apache.iceberg.aws.s3.S3FileIO;
import org.apache.iceberg.aws.s3.S3FileIOProperties;
import org.apache.iceberg.io.FileIO;
import org.tonle.definition.StorageDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.DelegatingS3Client;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.AbortMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.AbortMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Request;
import software.amazon.awssdk.services.s3.model.UploadPartResponse;

/**
 * The bucket that tables lie in. An object is written once: a write is refused where there is one
 * already, unless an earlier attempt of the same write made it, whose answer got lost. Whoever
 * writes the same bytes to the same key through this again makes no difference. What the server
 * refuses is STORAGE; that an object isn't there is left to whoever asked.
 */
public final class TableBucket extends DelegatingS3Client {
    /** In an object's metadata: which write made it. */
    private static final String WRITE = "tonle-write";

    private static final String ANY = "*";

    /** Files of up to 48 MiB go up in one request. */
    private static final int PART_BYTES = 32 << 20;

    private static final int ATTEMPTS = 3;

    /** A question that is asked after another one had no answer isn't waited for as long. */
    private static final Duration SECOND_QUESTION = Duration.ofSeconds(15);

    private final StorageDefinition.Bucket storage;
    private final String self = UUID.randomUUID().toString();

    /** Of uploads in parts that are under way, by the server's name of each: its mark. */
    private final Map<String, String> uploads = new ConcurrentHashMap<>();

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
        return files(storage, staging, BucketClient.open(storage.bucket()), PART_BYTES);
    }

    /**
     * @param partBytes how much goes up at once of what is larger than one and a half of it
     */
    static FileIO files(
            StorageDefinition.Bucket storage, Path staging, S3Client asked, int partBytes) {
        S3Client client = new TableBucket(storage, asked);
        S3FileIO files = new S3FileIO(() -> client);
        Map<String, String> properties = new HashMap<>();
        properties.put(S3FileIOProperties.CHECKSUM_ENABLED, "true");
        properties.put(S3FileIOProperties.STAGING_DIRECTORY, staging.toString());
        properties.put(S3FileIOProperties.MULTIPART_SIZE, String.valueOf(partBytes));
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
        return new BucketFiles(files);
    }

    /**
     * Asks whether the bucket is there and may be used.
     *
     * @throws LakeException STORAGE with what to do
     */
    public static void require(StorageDefinition.Bucket storage) {
        try (TableBucket client = new TableBucket(storage, BucketClient.open(storage.bucket()))) {
            var unused =
                    client.asked(() ->
                            client.delegateOf().headBucket(r -> r.bucket(storage.bucket().name())));
        } catch (S3Exception e) {
            // an answer to this has no body that would say more
            throw e.statusCode() == Refusal.NOT_FOUND
                    ? Refusal.noBucket(storage.bucket(), e)
                    : Refusal.of(storage.bucket(), e);
        }
    }

    private S3Client delegateOf() {
        return (S3Client) delegate();
    }

    @Override
    public PutObjectResponse putObject(PutObjectRequest request, RequestBody body) {
        String write = self + " " + Objects.requireNonNullElse(request.contentMD5(), newMark());
        PutObjectRequest once =
                request.toBuilder()
                        .metadata(marked(request.metadata(), write))
                        .ifNoneMatch(ANY)
                        .build();
        return writing(
                () -> delegateOf().putObject(once, body),
                () -> isOwn(request.bucket(), request.key(), write),
                PutObjectResponse.builder().build());
    }

    @Override
    public CreateMultipartUploadResponse createMultipartUpload(
            CreateMultipartUploadRequest request) {
        String write = newMark();
        CreateMultipartUploadResponse upload =
                super.createMultipartUpload(
                        request.toBuilder().metadata(marked(request.metadata(), write)).build());
        uploads.put(upload.uploadId(), write);
        return upload;
    }

    @Override
    public CompleteMultipartUploadResponse completeMultipartUpload(
            CompleteMultipartUploadRequest request) {
        String write = uploads.getOrDefault(request.uploadId(), newMark());
        CompleteMultipartUploadRequest once = request.toBuilder().ifNoneMatch(ANY).build();
        CompleteMultipartUploadResponse done =
                writing(
                        () -> delegateOf().completeMultipartUpload(once),
                        () -> isOwn(request.bucket(), request.key(), write),
                        CompleteMultipartUploadResponse.builder().build());
        uploads.remove(request.uploadId());
        return done;
    }

    @Override
    public AbortMultipartUploadResponse abortMultipartUpload(AbortMultipartUploadRequest request) {
        uploads.remove(request.uploadId());
        return super.abortMultipartUpload(request);
    }

    private static String newMark() {
        return UUID.randomUUID().toString();
    }

    private static Map<String, String> marked(Map<String, String> metadata, String write) {
        Map<String, String> marked = new HashMap<>(metadata);
        marked.put(WRITE, write);
        return marked;
    }

    /**
     * A write that perhaps was done though no answer said so.
     *
     * @param isDone asks the server whether it was
     */
    private <R> R writing(Call<R> write, BooleanSupplier isDone, R done) {
        try {
            return asked(write);
        } catch (S3Exception e) {
            RuntimeException refused = Refusal.of(storage.bucket(), e);
            if (Refusal.tellsNothing(e) && confirmed(isDone, refused)) {
                return done;
            }
            throw refused;
        } catch (LakeException e) {
            if (confirmed(isDone, e)) {
                return done;
            }
            throw e;
        }
    }

    private static boolean confirmed(BooleanSupplier isDone, RuntimeException why) {
        try {
            return isDone.getAsBoolean();
        } catch (SdkException | LakeException e) {
            why.addSuppressed(e);
            return false;
        }
    }

    private boolean isOwn(String bucket, String key, String write) {
        return write.equals(
                asked(() ->
                                delegateOf()
                                        .headObject(head ->
                                                head.bucket(bucket)
                                                        .key(key)
                                                        .overrideConfiguration(o ->
                                                                o.apiCallTimeout(SECOND_QUESTION))))
                        .metadata()
                        .get(WRITE));
    }

    @Override
    protected <T extends S3Request, R> R invokeOperation(T request, Function<T, R> operation) {
        try {
            for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
                R answer = asked(() -> operation.apply(request));
                if (isWhole(answer)) {
                    return answer;
                }
            }
        } catch (S3Exception e) {
            throw Refusal.of(storage.bucket(), e);
        }
        throw new LakeException(
                ErrorCode.STORAGE,
                "Answers about %s break off. See what stands between the lake and its server; what was taken waits and goes on by itself."
                        .formatted(storage.bucket()));
    }

    /** An answer that broke off early passes for one about an empty object, or for no objects. */
    private static boolean isWhole(Object answer) {
        return switch (answer) {
            case HeadObjectResponse head -> head.contentLength() != null;
            case ListObjectsV2Response list -> list.isTruncated() != null;
            case CreateMultipartUploadResponse upload -> upload.uploadId() != null;
            case UploadPartResponse part -> part.eTag() != null;
            case ResponseInputStream<?> body
                    when body.response() instanceof GetObjectResponse object
                            && object.contentLength() == null -> {
                body.abort();
                yield false;
            }
            default -> true;
        };
    }

    private interface Call<R> {
        R get();
    }

    /** With what the server said left as it is. */
    private <R> R asked(Call<R> question) {
        try {
            return question.get();
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
}
