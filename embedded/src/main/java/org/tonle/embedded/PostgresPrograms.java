package org.tonle.embedded;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Runs PostgreSQL's own programs: initdb, postgres, pg_ctl. */
final class PostgresPrograms {
    /**
     * What a new server's postgresql.conf says; an operator may change it there. The first three
     * are what "acknowledged" means. The rest keeps the server at some 60 MB beside a lake that
     * opens a few dozen connections, and lets a backend notice within a second that its client was
     * killed.
     */
    static final List<String> INITIAL_SETTINGS =
            List.of(
                    "fsync=on",
                    "synchronous_commit=on",
                    "full_page_writes=on",
                    "shared_buffers=64MB",
                    "max_connections=60",
                    "max_wal_size=256MB",
                    "min_wal_size=32MB",
                    "io_method=sync",
                    "max_worker_processes=2",
                    "max_parallel_workers_per_gather=0",
                    "max_wal_senders=0",
                    "wal_level=minimal",
                    "autovacuum_max_workers=1",
                    "jit=off",
                    "timezone=UTC",
                    "log_timezone=UTC",
                    "log_checkpoints=off",
                    "client_connection_check_interval=1s");

    private final Path bin;
    private final List<String> prefix;

    PostgresPrograms(Path home) {
        this.bin = home.resolve("bin");
        this.prefix = isRoot() ? List.of("unshare", "--user") : List.of();
    }

    private static boolean isRoot() {
        try {
            return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.INTERNAL, "Can't read this process's user from /proc.", e);
        }
    }

    /** Whether the data directory was written by this major version. */
    boolean wrote(Path data) throws IOException {
        Path version = data.resolve("PG_VERSION");
        String running = run("postgres", List.of("--version"));
        return Files.exists(version)
                && running.contains(" " + Files.readString(version).strip() + ".");
    }

    /** Runs to the end and returns what it printed. */
    String run(String program, List<String> arguments) throws IOException {
        Process process = builder(List.of(), program, arguments).redirectErrorStream(true).start();
        process.getOutputStream().close();
        FutureTask<String> reading =
                new FutureTask<>(() -> {
                    try (var stream = process.getInputStream()) {
                        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
                    }
                });
        // reading a pipe can't be interrupted; waiting for who reads it can
        Thread.ofVirtual().start(reading);
        String output;
        int status;
        try {
            output = reading.get();
            status = process.waitFor();
        } catch (InterruptedException e) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            throw Waiting.interrupted(e);
        } catch (ExecutionException e) {
            process.destroyForcibly();
            throw new IOException(program + " can't be listened to", e.getCause());
        }
        if (status != 0) {
            throw new LakeException(
                    ErrorCode.LEDGER_UNAVAILABLE,
                    "PostgreSQL's %s ended with status %d:%n%s%s"
                            .formatted(program, status, output.strip(), hint()));
        }
        return output;
    }

    /** Starts the server in a session of its own; it outlives this process. */
    Process serve(Path data, int port, Path log) throws IOException {
        List<String> arguments =
                List.of(
                        "-D",
                        data.toString(),
                        "-p",
                        Integer.toString(port),
                        "-c",
                        "listen_addresses=127.0.0.1",
                        "-c",
                        "unix_socket_directories=");
        Process process =
                builder(List.of("setsid"), "postgres", arguments)
                        .redirectErrorStream(true)
                        .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                        .redirectOutput(Redirect.appendTo(log.toFile()))
                        .start();
        return process;
    }

    /** Asks the postmaster to end; the caller waits. {@code mode} is pg_ctl's. */
    void stop(Path data, String mode) throws IOException {
        // its status is of no use: the postmaster may end between our look and its own
        Process process =
                builder(
                                List.of(),
                                "pg_ctl",
                                List.of("stop", "-W", "-m", mode, "-D", data.toString()))
                        .redirectErrorStream(true)
                        .redirectOutput(Redirect.DISCARD)
                        .start();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            throw Waiting.interrupted(e);
        }
    }

    private String hint() {
        return prefix.isEmpty()
                ? ""
                : "\nPostgreSQL refuses to run as root; Tonle runs it in a user namespace of its own (unshare --user). If this system forbids that, start Tonle as an ordinary user.";
    }

    private ProcessBuilder builder(List<String> wrapper, String program, List<String> arguments) {
        List<String> command = new ArrayList<>(wrapper);
        command.addAll(prefix);
        command.add(bin.resolve(program).toString());
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        // PGDATA, PGOPTIONS and the like are the user's own database's business
        builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
        builder.environment().put("LC_ALL", "C");
        return builder;
    }
}
