package org.tonle.s3;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import javax.xml.stream.XMLStreamException;
import org.tonle.definition.FileLocation;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** How a bucket's server is asked. */
public final class BucketClient {
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration SILENCE = Duration.ofSeconds(30);

    private BucketClient() {}

    /**
     * Asks nothing yet. Without credentials in the definition they are what the environment says:
     * variables, a web identity's token, the instance's.
     *
     * @throws LakeException STORAGE if nothing says in which region it is
     */
    public static S3Client open(FileLocation.Bucket bucket) {
        return open(bucket, SILENCE);
    }

    /**
     * @param silence how long the server may say nothing before it is asked again
     */
    static S3Client open(FileLocation.Bucket bucket, Duration silence) {
        S3ClientBuilder builder =
                S3Client.builder()
                        .httpClientBuilder(
                                UrlConnectionHttpClient.builder()
                                        .connectionTimeout(CONNECT)
                                        .socketTimeout(silence))
                        .forcePathStyle(bucket.pathStyle())
                        // others' servers don't know the newer checksums
                        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                        .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
        builder.overrideConfiguration(settings ->
                settings.retryStrategy(
                        AwsRetryStrategy.legacyRetryStrategy().toBuilder()
                                .retryOnException(BucketClient::isUnreadable)
                                .build()));
        bucket.endpoint().ifPresent(builder::endpointOverride);
        bucket.credentials()
                .ifPresent(c ->
                        builder.credentialsProvider(
                                StaticCredentialsProvider.create(
                                        AwsBasicCredentials.create(
                                                c.accessKey().reveal(), c.secretKey().reveal()))));
        bucket.region()
                .or(() -> bucket.endpoint().map(own -> Region.US_EAST_1.id()))
                .ifPresent(region -> builder.region(Region.of(region)));
        try {
            return builder.build();
        } catch (SdkException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "Bucket %s can't be reached: %s. Write region: beside its path."
                            .formatted(bucket, e.getMessage()),
                    e);
        }
    }

    /** Whether who asks isn't let in, or not any more: that is mended elsewhere. */
    public static boolean refuses(S3Exception e) {
        return e.statusCode() == 401 || e.statusCode() == 403 || Refusal.isExpired(e);
    }

    /** An answer that broke off may be another one when it is asked for again. */
    private static boolean isUnreadable(Throwable e) {
        for (Throwable why = e; why != null; why = why.getCause()) {
            if (why instanceof XMLStreamException || why instanceof DateTimeParseException) {
                return true;
            }
        }
        return false;
    }
}
