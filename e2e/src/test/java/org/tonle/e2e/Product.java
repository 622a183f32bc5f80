package org.tonle.e2e;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * How tests start the product: its flags, and a cache of loaded classes as {@code ./tonle} makes
 * one, which more than halves what a start costs. The first test that starts something makes it. It
 * takes that all libraries are jars, as in {@code verify}; without it all works the same.
 */
final class Product {
    private static final Path TARGET = Path.of("target").toAbsolutePath();
    private static final Path TEMPORARY = TARGET.resolve("tmp");
    private static final String LIBRARIES = libraries();
    private static final List<String> FLAGS =
            List.of(
                    "--add-opens=java.base/java.nio=ALL-UNNAMED",
                    "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow",
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-Xmx512m",
                    // what a killed lake has unpacked goes with the build
                    "-Djava.io.tmpdir=" + TEMPORARY,
                    "-Dtonle.home=" + Path.of("..").toAbsolutePath().normalize(),
                    "-cp",
                    LIBRARIES,
                    "org.tonle.cli.Main");

    private Product() {}

    /** The command line of {@code tonle} with some arguments. */
    static List<String> tonle(String... arguments) {
        try {
            return command(List.of("-XX:AOTCache=" + cache(), "-Xlog:aot*=off"), arguments);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static List<String> command(List<String> flags, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(FLAGS);
        command.addAll(List.of(arguments));
        return command;
    }

    /** Without the classes of the tests; Surefire ends the list with a separator. */
    private static String libraries() {
        List<String> all =
                new ArrayList<>(
                        List.of(
                                System.getProperty("java.class.path")
                                        .split(File.pathSeparator, -1)));
        all.removeIf(entry -> entry.isEmpty() || Path.of(entry).startsWith(TARGET));
        return String.join(File.pathSeparator, all);
    }

    /** Its name says which libraries it is of. */
    private static synchronized Path cache() throws IOException, InterruptedException {
        StringBuilder of = new StringBuilder();
        for (String entry : LIBRARIES.split(File.pathSeparator, -1)) {
            Path jar = Path.of(entry);
            if (!Files.isRegularFile(jar)) {
                return TARGET.resolve("no.aot");
            }
            of.append(jar).append(Files.getLastModifiedTime(jar).toMillis());
        }
        Path cache = TARGET.resolve("classes-%08x.aot".formatted(of.toString().hashCode()));
        if (!Files.exists(cache)) {
            // of several processes that run tests one makes it
            try (FileChannel channel =
                            FileChannel.open(
                                    TARGET.resolve("classes.lock"),
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE);
                    var held = channel.lock()) {
                if (!Files.exists(cache)) {
                    make(cache);
                }
            }
        }
        return cache;
    }

    /** From the short life of a lake. */
    private static void make(Path cache) throws IOException, InterruptedException {
        Path dir = Files.createTempDirectory(TEMPORARY, "classes");
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, "");
        Path said = dir.resolve("said");
        Path fresh = dir.resolve("classes.aot");
        Process lake =
                new ProcessBuilder(
                                command(
                                        List.of("-XX:AOTCacheOutput=" + fresh, "-Xlog:aot*=error"),
                                        "up",
                                        "--lake",
                                        folder.toString(),
                                        "--port",
                                        "0"))
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        try {
            while (LakeProcess.address(folder).isEmpty() && lake.isAlive()) {
                Thread.sleep(20);
            }
            lake.destroy();
            if (!lake.waitFor(5, TimeUnit.MINUTES) || !Files.exists(fresh)) {
                throw new AssertionError("no cache of classes:\n" + Files.readString(said));
            }
            Files.move(fresh, cache, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            lake.destroyForcibly().waitFor();
            try (Stream<Path> files = Files.walk(dir)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }
    }
}
