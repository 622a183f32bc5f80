package org.tonle.embedded;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the operating system says about the processes of one PostgreSQL data directory. Every
 * process of PostgreSQL works inside its data directory, which is how they are told from an
 * unrelated process that was given the same pid since.
 *
 * @param pid of the postmaster
 * @param port that it listens on, 0 before it has written that down
 */
record Postmaster(long pid, int port) {
    private static final Path PROCESSES = Path.of("/proc");

    /** The living postmaster that {@code postmaster.pid} names. */
    static Optional<Postmaster> of(Path data) throws IOException {
        Path file = data.resolve("postmaster.pid");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        List<String> lines = Files.readAllLines(file);
        long pid = lines.isEmpty() ? 0 : number(lines.get(0));
        if (pid <= 0 || !processes(data).contains(pid)) {
            return Optional.empty();
        }
        int port = lines.size() > 3 ? (int) number(lines.get(3)) : 0;
        return Optional.of(new Postmaster(pid, port));
    }

    /** Whether it lives. */
    boolean worksIn(Path data) {
        return worksIn(PROCESSES.resolve(Long.toString(pid)), data);
    }

    /** Every living process of the data directory; zombies, which do nothing any more, left out. */
    static List<Long> processes(Path data) throws IOException {
        List<Long> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(PROCESSES, "[0-9]*")) {
            for (Path process : all) {
                if (worksIn(process, data)) {
                    found.add(Long.parseLong(process.getFileName().toString()));
                }
            }
        }
        return found;
    }

    private static boolean worksIn(Path process, Path data) {
        try {
            return Files.readSymbolicLink(process.resolve("cwd")).equals(data);
        } catch (IOException e) {
            // ended meanwhile, a zombie, or another user's: not one of ours
            return false;
        }
    }

    private static long number(String text) {
        String digits = text.strip();
        return digits.matches("\\d{1,10}") ? Long.parseLong(digits) : 0;
    }
}
