package org.tonle.e2e;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Something that reads Iceberg tables and isn't ours: in a process of its own, with what it needs
 * from the user's cache and Maven's repository.
 */
enum TableReader {
    PYICEBERG {
        @Override
        List<String> command(Path script, Path temporary) throws Exception {
            return python(
                    script, temporary, "pyiceberg-0.12.0", List.of("pyiceberg[pyarrow]==0.12.0"));
        }
    },

    DUCKDB {
        @Override
        List<String> command(Path script, Path temporary) throws Exception {
            return python(
                    script,
                    temporary,
                    "duckdb-iceberg-1.5.5",
                    List.of(
                            "duckdb==1.5.5",
                            "duckdb-extension-avro==1.5.5",
                            "duckdb-extension-iceberg==1.5.5"));
        }
    },

    SPARK {
        @Override
        List<String> command(Path script, Path temporary) throws Exception {
            return java(
                    script,
                    temporary,
                    Stream.concat(
                                    Stream.of(
                                                    "java.lang",
                                                    "java.lang.invoke",
                                                    "java.lang.reflect",
                                                    "java.io",
                                                    "java.net",
                                                    "java.nio",
                                                    "java.util",
                                                    "java.util.concurrent",
                                                    "java.util.concurrent.atomic",
                                                    "jdk.internal.ref",
                                                    "sun.nio.ch",
                                                    "sun.nio.cs",
                                                    "sun.security.action",
                                                    "sun.util.calendar")
                                            .map(name ->
                                                    "--add-opens=java.base/"
                                                            + name
                                                            + "=ALL-UNNAMED"),
                                    Stream.of("io.netty", "org.apache.iceberg.shaded.io.netty")
                                            .flatMap(netty ->
                                                    Stream.of(
                                                            "-D" + netty + ".noUnsafe=false",
                                                            "-D"
                                                                    + netty
                                                                    + ".tryReflectionSetAccessible=true")))
                            .toList());
        }
    },

    TRINO {
        @Override
        List<String> command(Path script, Path temporary) throws Exception {
            return java(script, temporary, List.of("--add-modules=jdk.incubator.vector"));
        }
    };

    private static final Duration TIMEOUT = Duration.ofMinutes(3);

    /** What runs it, before the file to write and the tables' metadata files. */
    abstract List<String> command(Path script, Path temporary) throws Exception;

    /**
     * The rows of the tables that metadata files describe: id, name and town (null where it has
     * none) parted by bars, in the order of the ids.
     */
    List<List<String>> rows(List<Path> metadata, Path temporary) throws Exception {
        Path script =
                Path.of(
                        TableReader.class
                                .getResource("/readers/" + name().toLowerCase(Locale.ROOT))
                                .toURI());
        Path rows = temporary.resolve(name() + ".rows");
        List<String> command = new ArrayList<>(command(script, temporary));
        command.add(rows.toString());
        metadata.forEach(file -> command.add(file.toString()));
        run(temporary, command);
        List<List<String>> tables = new ArrayList<>();
        for (String line : Files.readAllLines(rows)) {
            if (line.startsWith("# ")) {
                tables.add(new ArrayList<>());
            } else {
                tables.getLast().add(line);
            }
        }
        return tables;
    }

    private static List<String> python(
            Path script, Path temporary, String name, List<String> packages) throws Exception {
        Path environment = cache().resolve(name);
        if (!Files.exists(environment)) {
            Path begun = Files.createTempDirectory(cache(), name + "-");
            run(temporary, List.of("python3", "-m", "venv", begun.toString()));
            List<String> install = new ArrayList<>();
            install.add(begun.resolve("bin/python").toString());
            install.addAll(List.of("-m", "pip", "install", "--quiet"));
            install.addAll(packages);
            run(temporary, install);
            publish(begun, environment);
        }
        return List.of(
                environment.resolve("bin/python").toString(), script.resolve("rows.py").toString());
    }

    private static List<String> java(Path script, Path temporary, List<String> options)
            throws Exception {
        Path classPath = temporary.resolve("class-path");
        run(
                temporary,
                List.of(
                        Path.of("../mvnw").toAbsolutePath().normalize().toString(),
                        "-q",
                        "-f",
                        script.resolve("pom.xml").toString(),
                        "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:build-classpath",
                        "-Dmdep.outputFile=" + classPath));
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Xmx2g");
        command.add("--sun-misc-unsafe-memory-access=allow");
        command.addAll(options);
        command.addAll(List.of("-cp", Files.readString(classPath).strip()));
        command.add(script.resolve("Rows.java").toString());
        return command;
    }

    /** Where what was installed once stays: {@code $XDG_CACHE_HOME/tonle}, or in the home. */
    private static Path cache() throws IOException {
        return Files.createDirectories(
                Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                        .map(Path::of)
                        .orElse(Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("tonle"));
    }

    /** Who comes second uses what the first made. */
    private static void publish(Path begun, Path environment) throws IOException {
        try {
            Files.move(begun, environment);
        } catch (IOException e) {
            if (!Files.exists(environment)) {
                throw e;
            }
        }
    }

    static void run(Path temporary, List<String> command) throws Exception {
        Path log = Files.createTempFile(temporary, "reader-", ".log");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        boolean ended = process.waitFor(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        process.destroyForcibly();
        if (!ended || process.exitValue() != 0) {
            throw new AssertionError(
                    "%s %s\n%s"
                            .formatted(
                                    command.getFirst(),
                                    ended ? "failed" : "didn't end within " + TIMEOUT,
                                    Files.readString(log)));
        }
    }
}
