package org.tonle.e2e;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** PyIceberg in a Python environment of its own, which stays in the user's cache. */
final class PyIceberg implements TableReader {
    private static final String PACKAGE = "pyiceberg[pyarrow]==0.12.0";

    private final Path python;
    private final Path script;

    private PyIceberg(Path python, Path script) {
        this.python = python;
        this.script = script;
    }

    /** Installs it, the first time. */
    static PyIceberg open() throws Exception {
        Path cache =
                Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                        .map(Path::of)
                        .orElse(Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("tonle");
        Path environment = cache.resolve("pyiceberg-0.12.0");
        if (!Files.exists(environment)) {
            Files.createDirectories(cache);
            Path begun = Files.createTempDirectory(cache, "pyiceberg-");
            run("python3", "-m", "venv", begun.toString());
            run(begun.resolve("bin/pip").toString(), "install", "--quiet", PACKAGE);
            publish(begun, environment);
        }
        Path script = Path.of(PyIceberg.class.getResource("/readers/pyiceberg_rows.py").toURI());
        return new PyIceberg(environment.resolve("bin/python"), script);
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

    @Override
    public List<String> rows(Path metadata) throws Exception {
        return run(python.toString(), script.toString(), "file://" + metadata);
    }

    private static List<String> run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
            throw new AssertionError(String.join(" ", command) + "\n" + output);
        }
        return output.lines().toList();
    }
}
