package org.tonle.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.tonle.definition.FileLocation;
import org.tonle.s3.BucketClient;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * The objects of a bucket below a prefix, page by page in the order of their keys. An object has a
 * version: its ETag, which each read asks for.
 */
final class BucketOrigin implements FileOrigin {
    private static final int PAGE = 1_000;
    private static final String KEY = "k";
    private static final String TOKEN = "t";

    /**
     * They can't be read until somebody has them restored, and are listed as such also then: until
     * they are copied to another class. What Intelligent-Tiering archived is seen when it is
     * opened.
     */
    private static final Set<String> ARCHIVED = Set.of("GLACIER", "DEEP_ARCHIVE");

    /** These may be of one object only: its own rights, or the key that it is encrypted with. */
    private static final Set<String> OF_ONE =
            Set.of(
                    "AccessDenied",
                    "AccessDeniedException",
                    "KMS.DisabledException",
                    "KMS.KMSInvalidStateException",
                    "KMS.NotFoundException");

    private final FileLocation.Bucket bucket;
    private final int page;
    private final S3Client client;

    /**
     * Asks nothing yet.
     *
     * @throws LakeException STORAGE if nothing says in which region it is
     */
    BucketOrigin(FileLocation.Bucket bucket) {
        this(bucket, PAGE);
    }

    /**
     * @param page how many keys are listed at once
     */
    BucketOrigin(FileLocation.Bucket bucket, int page) {
        this.bucket = bucket;
        this.page = page;
        this.client = BucketClient.open(bucket);
    }

    @Override
    public void require() {
        var unused = page(Optional.empty(), 1);
    }

    @Override
    public Page list(Optional<String> from) {
        ListObjectsV2Response response = page(from, page);
        List<Found> found = new ArrayList<>();
        String last = null;
        for (S3Object object : response.contents()) {
            last = object.key();
            if (!last.endsWith("/") && !ARCHIVED.contains(object.storageClassAsString())) {
                found.add(
                        new Found(
                                last.substring(bucket.prefix().length()),
                                object.size(),
                                object.lastModified(),
                                Optional.of(object.eTag())));
            }
        }
        boolean more = Boolean.TRUE.equals(response.isTruncated());
        if (!more) {
            return new Page(found, Optional.empty(), List.of());
        }
        String next = last == null ? response.nextContinuationToken() : last;
        if (next == null) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "The server says that %s has more and not where; it is listed anew."
                            .formatted(bucket));
        }
        return new Page(found, Optional.of((last == null ? TOKEN : KEY) + next), List.of());
    }

    /**
     * Behind a key, so that nothing hangs on what the server remembers; by its token where a page
     * has none.
     */
    private ListObjectsV2Response page(Optional<String> from, int most) {
        ListObjectsV2Request.Builder request =
                ListObjectsV2Request.builder()
                        .bucket(bucket.name())
                        .prefix(bucket.prefix())
                        .maxKeys(most);
        from.ifPresent(next -> {
            String place = next.substring(1);
            var unused =
                    next.startsWith(KEY)
                            ? request.startAfter(place)
                            : request.continuationToken(place);
        });
        try {
            ListObjectsV2Response response = client.listObjectsV2(request.build());
            if (response.isTruncated() == null) {
                throw new LakeException(
                        ErrorCode.STORAGE,
                        "A listing of %s broke off; it is listed anew.".formatted(bucket));
            }
            return response;
        } catch (SdkException e) {
            throw refused(e, bucket.toString());
        }
    }

    @Override
    public Optional<Path> local(Found file) {
        return Optional.empty();
    }

    @Override
    public InputStream open(Found file, long offset) throws IOException {
        GetObjectRequest.Builder request =
                GetObjectRequest.builder()
                        .bucket(bucket.name())
                        .key(bucket.prefix() + file.name())
                        .ifMatch(file.version().orElseThrow());
        if (offset > 0) {
            request.range("bytes=" + offset + "-");
        }
        try {
            return client.getObject(request.build());
        } catch (S3Exception e) {
            if (e.statusCode() == 412
                    || (e.statusCode() == 403 && "InvalidObjectState".equals(code(e)))
                    || (e.statusCode() == 404 && !"NoSuchBucket".equals(code(e)))) {
                throw new NoSuchFileException(file.name());
            }
            if (OF_ONE.contains(code(e))) {
                throw new RefusedFileException(file.name(), why(e), e);
            }
            throw refused(e, bucket + file.name());
        } catch (SdkException e) {
            throw refused(e, bucket + file.name());
        }
    }

    private static String code(S3Exception e) {
        return e.awsErrorDetails() == null
                ? ""
                : Objects.requireNonNullElse(e.awsErrorDetails().errorCode(), "");
    }

    private static String why(SdkException e) {
        return e instanceof S3Exception s3
                ? "%d %s".formatted(s3.statusCode(), code(s3)).strip()
                : Objects.requireNonNullElse(e.getMessage(), e.toString()).strip();
    }

    /**
     * @param what wasn't read
     */
    private RuntimeException refused(SdkException e, String what) {
        if (e instanceof AbortedException) {
            return e;
        }
        if (e instanceof S3Exception s3 && "NoSuchBucket".equals(code(s3))) {
            return new LakeException(
                    ErrorCode.STORAGE,
                    "There is no bucket %s at its server. Make it, or change path: in the source's file."
                            .formatted(bucket.name()),
                    e);
        }
        if (e instanceof S3Exception s3 && BucketClient.refuses(s3)) {
            return new LakeException(
                    ErrorCode.FORBIDDEN,
                    "The server refuses to let %s be read (%s). See whether its access-key holds and may list and get."
                            .formatted(what, why(e)),
                    e);
        }
        return new LakeException(
                ErrorCode.STORAGE, "%s can't be read now: %s".formatted(what, why(e)), e);
    }

    /** Each read asked for the version that was listed. */
    @Override
    public boolean isStill(Found file) {
        return true;
    }

    @Override
    public void close() {
        client.close();
    }
}
