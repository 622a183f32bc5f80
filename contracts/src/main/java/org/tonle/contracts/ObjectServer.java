package org.tonle.contracts;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.tonle.definition.FileLocation;
import org.tonle.definition.Secret;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.NoSuchBucketException;

/** A server of objects with one bucket; its program lies in the user's cache. */
public final class ObjectServer implements AutoCloseable {
    public static final String BUCKET = "lab";

    private static final String ACCESS_KEY = "lake";
    private static final String SECRET_KEY = "a-secret-of-tests";
    private static final long LIMIT_SECONDS = 60;

    private final Process process;
    private final Path folder;
    private final List<Integer> ports;
    private final URI endpoint;
    private final S3Client client;

    private ObjectServer(Process process, Path folder, List<Integer> ports) {
        this.process = process;
        this.folder = folder;
        this.ports = ports;
        this.endpoint = URI.create("http://127.0.0.1:" + ports.getFirst());
        this.client =
                S3Client.builder()
                        .httpClientBuilder(UrlConnectionHttpClient.builder())
                        .endpointOverride(endpoint)
                        .forcePathStyle(true)
                        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                        .region(Region.US_EAST_1)
                        .credentialsProvider(
                                StaticCredentialsProvider.create(
                                        AwsBasicCredentials.create(ACCESS_KEY, SECRET_KEY)))
                        .build();
    }

    /** Starts the server that {@code tonle.object-server} names: seaweedfs, or minio. */
    public static ObjectServer start(Path folder) throws Exception {
        return start(
                folder,
                ObjectProgram.valueOf(
                        System.getProperty("tonle.object-server", "seaweedfs")
                                .toUpperCase(Locale.ROOT)));
    }

    /** Starts one whose keys can be {@link #grant given} and {@link #revoke taken}: a SeaweedFS. */
    public static ObjectServer withKeys(Path folder) throws Exception {
        return start(folder, ObjectProgram.SEAWEEDFS);
    }

    private static ObjectServer start(Path folder, ObjectProgram program) throws Exception {
        List<Integer> ports = freePorts(10);
        ProcessBuilder builder =
                new ProcessBuilder(
                                program.command(
                                        Files.createDirectories(folder.resolve("data")), ports))
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("server.log").toFile());
        builder.environment().putAll(program.environment(ACCESS_KEY, SECRET_KEY));
        ObjectServer server = new ObjectServer(builder.start(), folder, ports);
        try {
            server.await();
            return server;
        } catch (Exception | AssertionError e) {
            server.close();
            throw e;
        }
    }

    private void await() throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!isReady()) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                throw new AssertionError(
                        "The server of objects didn't start\n"
                                + Files.readString(folder.resolve("server.log")));
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
    }

    private boolean isReady() {
        try {
            try {
                var unused = client.headBucket(request -> request.bucket(BUCKET));
            } catch (NoSuchBucketException e) {
                var unused = client.createBucket(request -> request.bucket(BUCKET));
            }
            put("ready", new byte[] {1});
            return true;
        } catch (SdkException e) {
            return false;
        }
    }

    private static List<Integer> freePorts(int count) throws IOException {
        List<ServerSocket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
            }
            return sockets.stream().map(ServerSocket::getLocalPort).toList();
        } finally {
            for (ServerSocket socket : sockets) {
                socket.close();
            }
        }
    }

    public URI endpoint() {
        return endpoint;
    }

    public void put(String key, byte[] bytes) {
        var unused =
                client.putObject(
                        request -> request.bucket(BUCKET).key(key), RequestBody.fromBytes(bytes));
    }

    /** Gives somebody a key of that name, with which the bucket can be read. */
    public void grant(String key, String secret) throws Exception {
        shell(
                "s3.configure -user=%1$s -access_key=%1$s -secret_key=%2$s -actions=Read,List -buckets=%3$s -apply"
                        .formatted(key, secret, BUCKET));
    }

    /** Takes it away again. */
    public void revoke(String key) throws Exception {
        shell("s3.configure -user=%s -delete -apply".formatted(key));
    }

    private void shell(String typed) throws Exception {
        Path input = Files.writeString(folder.resolve("typed"), typed + "\n");
        Path said = folder.resolve("shell.log");
        Process shell =
                new ProcessBuilder(ObjectProgram.shell(ports))
                        .redirectInput(input.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        if (!shell.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS) || shell.exitValue() != 0) {
            shell.destroyForcibly();
            throw new AssertionError(typed + "\n" + Files.readString(said));
        }
    }

    public FileLocation.Bucket bucket(String prefix) {
        return bucket(BUCKET, prefix, endpoint, SECRET_KEY);
    }

    public FileLocation.Bucket bucket(String name, String prefix, URI at, String secretKey) {
        return new FileLocation.Bucket(
                name,
                prefix,
                Optional.of(at),
                Optional.empty(),
                Optional.of(
                        new FileLocation.Credentials(
                                new Secret(ACCESS_KEY), new Secret(secretKey))),
                true);
    }

    public FileLocation.Bucket through(URI proxy, String prefix) {
        return bucket(BUCKET, prefix, proxy, SECRET_KEY);
    }

    @Override
    public void close() {
        client.close();
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
