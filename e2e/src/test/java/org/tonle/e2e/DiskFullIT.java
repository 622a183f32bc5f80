package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The lake's disk fills up under load and has room again: refused quickly with the reason, then
 * gone on with by itself, every acknowledged event there once. On a file system of its own, which
 * only the run's processes see; the run is {@link DiskFullRun}.
 */
class DiskFullIT {
    private static final int NO_MOUNT = 99;

    @TempDir Path dir;

    @Test
    void aFullDiskRefusesAndLosesNothing() throws Exception {
        run("640m");
    }

    /** The tables lie on a disk of their own, and the log on one that has room. */
    @Test
    void aFullDiskOfTablesLetsEventsWaitInTheLogAndLosesNothing() throws Exception {
        run("256m", Files.createDirectory(dir.resolve("home")).toString());
    }

    private void run(String size, String... more) throws Exception {
        Path disk = Files.createDirectory(dir.resolve("disk"));
        Path said = dir.resolve("said");
        Process process =
                new ProcessBuilder(command(disk, size, more))
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        try {
            assertThat(process.waitFor(15, TimeUnit.MINUTES)).as(Files.readString(said)).isTrue();
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
        String output = Files.readString(said);
        if (process.exitValue() == NO_MOUNT || output.startsWith("unshare:")) {
            System.err.println("NOT SHOWN: no small file system can be mounted: " + output.strip());
            return;
        }
        assertThat(process.exitValue()).as(output).isZero();
        output.lines().filter(line -> line.startsWith("disk full")).forEach(System.out::println);
    }

    private static List<String> command(Path disk, String size, String... more) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "unshare",
                                "--user",
                                "--map-root-user",
                                "--mount",
                                "sh",
                                "-c",
                                "mount -t tmpfs -o size="
                                        + size
                                        + " tonle \"$0\" || exit "
                                        + NO_MOUNT
                                        + "; exec \"$@\"",
                                disk.toString()));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "--add-opens=java.base/java.nio=ALL-UNNAMED",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-XX:+UseSerialGC",
                        "-Xmx512m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        DiskFullRun.class.getName(),
                        disk.toString()));
        command.addAll(List.of(more));
        return command;
    }
}
