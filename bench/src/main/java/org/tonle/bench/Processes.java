package org.tonle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A process and all that it started: their processor time, and their memory. */
final class Processes {
    private static final double TICKS_PER_SECOND = 100;

    /** Of one processor: less is taken for doing nothing. */
    private static final double QUIET = 0.1;

    private static final int MOST_WAITS = 30;

    private final Process process;
    private final Path postgres;
    private final Map<Long, Double> used = new HashMap<>();
    private final Map<Long, Double> compilers = new HashMap<>();

    /**
     * @param postgres the folder of an embedded PostgreSQL, whose processes are in a session of
     *     their own; it needn't exist
     */
    Processes(Process process, Path postgres) {
        this.process = process;
        this.postgres = postgres;
    }

    /**
     * Processor time in seconds since the start.
     *
     * @param all of all processes
     * @param compiling what of it the JVM's compilers took, which a warm process takes no more
     */
    record Cpu(double all, double compiling) {
        Cpu since(Cpu before) {
            return new Cpu(all - before.all, compiling - before.compiling);
        }
    }

    /**
     * Memory in bytes.
     *
     * @param resident the sum of what each process has mapped, pages that they share several times
     * @param proportional the same with shared pages counted once
     * @param files what of that is files' content, which the system takes back when it needs room
     */
    record Memory(long resident, long proportional, long files) {
        /** What nobody can take back. */
        long own() {
            return proportional - files;
        }
    }

    Cpu cpu() throws IOException {
        for (long pid : pids()) {
            ticks(pid, Path.of("/proc/" + pid), "", used);
        }
        // threads that compile come and go; the last seen of each stays counted
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
            for (Path thread : threads.toList()) {
                long id = Long.parseLong(thread.getFileName().toString());
                ticks(id, thread, "CompilerThre", compilers);
            }
        }
        return new Cpu(seconds(used), seconds(compilers));
    }

    Memory memory() throws IOException {
        long resident = 0;
        long proportional = 0;
        long files = 0;
        for (long pid : pids()) {
            try {
                for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup"))) {
                    resident += bytes(line, "Rss:");
                    proportional += bytes(line, "Pss:");
                    files += bytes(line, "Pss_File:");
                }
            } catch (IOException e) {
                // it has ended
            }
        }
        return new Memory(resident, proportional, files);
    }

    /** Resident memory of the first process alone, in bytes. */
    long residentBytes() throws IOException {
        long resident = 0;
        for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
            resident += bytes(line, "VmRSS:");
        }
        return resident;
    }

    /** Waits until what is done behind what can be seen (compaction) is done, too. */
    void awaitQuiet() throws IOException, InterruptedException {
        double before = cpu().all();
        for (int i = 0; i < MOST_WAITS; i++) {
            Thread.sleep(1000);
            double now = cpu().all();
            if (now - before < QUIET) {
                return;
            }
            before = now;
        }
    }

    private static long bytes(String line, String name) {
        return line.startsWith(name) ? Long.parseLong(line.replaceAll("[^0-9]", "")) << 10 : 0;
    }

    private List<Long> pids() throws IOException {
        List<Long> pids = new ArrayList<>(List.of(process.pid()));
        process.descendants().map(ProcessHandle::pid).forEach(pids::add);
        if (Files.isDirectory(postgres)) {
            try (Stream<Path> files = Files.walk(postgres, 3)) {
                for (Path pid : files.filter(f -> f.endsWith("postmaster.pid")).toList()) {
                    long postmaster = Long.parseLong(Files.readAllLines(pid).getFirst().strip());
                    pids.add(postmaster);
                    ProcessHandle.of(postmaster)
                            .ifPresent(handle ->
                                    handle.descendants()
                                            .map(ProcessHandle::pid)
                                            .forEach(pids::add));
                }
            }
        }
        return pids.stream().distinct().toList();
    }

    private static double seconds(Map<Long, Double> ticks) {
        return ticks.values().stream().mapToDouble(Double::doubleValue).sum() / TICKS_PER_SECOND;
    }

    private static void ticks(long id, Path proc, String named, Map<Long, Double> into) {
        try {
            String stat = Files.readString(proc.resolve("stat"));
            int nameEnd = stat.lastIndexOf(')');
            if (stat.substring(0, nameEnd).contains(named)) {
                String[] fields = stat.substring(nameEnd + 2).split(" ", -1);
                into.put(id, Double.parseDouble(fields[11]) + Double.parseDouble(fields[12]));
            }
        } catch (IOException e) {
            // it has ended; what was seen of it last stays counted
        }
    }
}
