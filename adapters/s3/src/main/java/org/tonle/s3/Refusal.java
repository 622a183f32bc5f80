package org.tonle.s3;

import java.util.Objects;
import java.util.Set;
import org.tonle.definition.FileLocation;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** What a server's refusal means for tables in a bucket. */
final class Refusal {
    static final int NOT_FOUND = 404;

    private static final int CONFLICT = 409;
    private static final int EXISTS = 412;
    private static final Set<String> EXPIRED =
            Set.of("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken");
    private static final Set<String> ELSEWHERE =
            Set.of("AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect");

    private Refusal() {}

    /**
     * Whether a write may have been done by an earlier attempt, whose answer didn't come: there is
     * an object already, its upload is over, or the server broke down behind it.
     */
    static boolean tellsNothing(S3Exception e) {
        return e.statusCode() == EXISTS
                || e.statusCode() == CONFLICT
                || e.statusCode() == NOT_FOUND
                || e.statusCode() >= 500;
    }

    /** Whether credentials that were good for some time are over; servers say so with 400, too. */
    static boolean isExpired(S3Exception e) {
        return EXPIRED.contains(code(e));
    }

    /** What to throw in its place; the same where an object isn't there. */
    static RuntimeException of(FileLocation.Bucket bucket, S3Exception e) {
        String code = code(e);
        String why = "%d %s".formatted(e.statusCode(), code).strip();
        if (code.equals("NoSuchBucket")) {
            return noBucket(bucket, e);
        }
        if (ELSEWHERE.contains(code) || e.statusCode() == 301 || e.statusCode() == 307) {
            return storage(
                    e,
                    "%s lies in another region or at another server (%s). Write its region:, and endpoint: if it isn't Amazon's, beside its path: in storage: of lake.yaml."
                            .formatted(bucket, why));
        }
        if (isExpired(e)) {
            return storage(
                    e,
                    "What the lake is known by at %s holds no more (%s). Renew the token that the environment gives it, and start the lake again if it is read at the start only."
                            .formatted(bucket, why));
        }
        return switch (e.statusCode()) {
            case NOT_FOUND -> e;
            case 401, 403 ->
                    storage(
                            e,
                            "The server refuses the lake at %s (%s). See whether its access-key holds and may list, get, put and delete there, and the key of its encryption be used."
                                    .formatted(bucket, why));
            case EXISTS ->
                    storage(
                            e,
                            "Somebody else wrote an object of the lake's name at %s (%s). Nothing was written over; see who else writes there."
                                    .formatted(bucket, why));
            case CONFLICT ->
                    storage(
                            e,
                            "A write at %s met another one of the same name (%s). It is made again under another name; if that goes on, see who else writes there."
                                    .formatted(bucket, why));
            case 400 ->
                    storage(
                            e,
                            "The server doesn't take what the lake asks of %s (%s: %s). See whether path-style:, region:, encryption: and kms-key: of storage: in lake.yaml are what it expects."
                                    .formatted(bucket, why, message(e)));
            case 405, 501 ->
                    storage(
                            e,
                            "The server of %s can't do what tables need (%s: %s). It has to know If-None-Match: * when objects are put, and uploads in parts; leave encryption: of storage: out if it knows no encryption."
                                    .formatted(bucket, why, message(e)));
            default ->
                    storage(
                            e,
                            "%s can't be read or written now: %s. What was taken waits and goes on by itself."
                                    .formatted(bucket, why));
        };
    }

    static LakeException noBucket(FileLocation.Bucket bucket, S3Exception e) {
        return storage(
                e,
                "There is no bucket %s at its server. Make it, or change storage: in lake.yaml."
                        .formatted(bucket.name()));
    }

    private static LakeException storage(S3Exception e, String message) {
        return new LakeException(ErrorCode.STORAGE, message, e);
    }

    private static String code(S3Exception e) {
        return e.awsErrorDetails() == null
                ? ""
                : Objects.requireNonNullElse(e.awsErrorDetails().errorCode(), "");
    }

    private static String message(S3Exception e) {
        return e.awsErrorDetails() == null
                ? ""
                : Objects.requireNonNullElse(e.awsErrorDetails().errorMessage(), "");
    }
}
