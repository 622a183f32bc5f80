package org.tonle.embedded;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * The folder of one embedded server: mode 0700, held by one process at a time, with the small files
 * that the server is found by again (password, ports).
 */
final class PrivateDirectory implements AutoCloseable {
    private static final int PORT_ATTEMPTS = 50;
    private static final int FIRST_PORT = 20_000;
    private static final int END_OF_PORTS = 32_768;

    private final Path path;
    private final FileChannel lock;

    private PrivateDirectory(Path path, FileChannel lock) {
        this.path = path;
        this.lock = lock;
    }

    /**
     * Creates the folder where it is missing and takes its lock.
     *
     * @throws LakeException IN_USE when another process (or this one, twice) holds it
     */
    static PrivateDirectory open(Path directory, String what) {
        try {
            Files.createDirectories(directory);
            Path path = directory.toRealPath();
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
            FileChannel channel =
                    FileChannel.open(
                            path.resolve("lock"),
                            EnumSet.of(CREATE, READ, WRITE),
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rw-------")));
            if (!tryLock(channel)) {
                String holder = readHolder(channel);
                channel.close();
                throw new LakeException(
                        ErrorCode.IN_USE,
                        "The embedded %s in %s is held by %s. Stop that lake first, or choose another folder."
                                .formatted(what, path, holder));
            }
            channel.truncate(0);
            channel.write(
                    ByteBuffer.wrap(
                            Long.toString(ProcessHandle.current().pid())
                                    .getBytes(StandardCharsets.US_ASCII)),
                    0);
            return new PrivateDirectory(path, channel);
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "Can't prepare %s for the embedded %s: %s. Check that the folder may be written to."
                            .formatted(directory, what, e),
                    e);
        }
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    private static String readHolder(FileChannel channel) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(20);
        channel.read(buffer, 0);
        String pid = new String(buffer.array(), 0, buffer.position(), StandardCharsets.US_ASCII);
        return pid.isBlank() ? "another process" : "process " + pid;
    }

    Path path() {
        return path;
    }

    /** The text that the file {@code name} holds; at first use 256 random bits in hexadecimal. */
    String secret(String name) {
        return PrivateFile.secret(path.resolve(name));
    }

    /** The text that the file {@code name} holds; at first use {@code initial}. */
    String remembered(String name, String initial) {
        return PrivateFile.remembered(path.resolve(name), initial);
    }

    /** The remembered port of {@code name} if it is free, else a free one, remembered from now. */
    int port(String name, Set<Integer> taken) {
        Path file = path.resolve(name);
        try {
            if (Files.exists(file)) {
                String text = Files.readString(file).strip();
                int port = text.matches("\\d{1,5}") ? Integer.parseInt(text) : 0;
                if (port > 0 && port < 65536 && !taken.contains(port) && isFree(port)) {
                    return port;
                }
            }
            for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
                int port = freePort();
                if (!taken.contains(port)) {
                    PrivateFile.write(file, Integer.toString(port));
                    return port;
                }
            }
            throw new LakeException(
                    ErrorCode.OUT_OF_RESOURCES, "No free TCP port on 127.0.0.1 was found.");
        } catch (IOException e) {
            throw PrivateFile.storage("read or write", file, e);
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * One that is free now and, most likely, at each start to come: below those that the system
     * gives to connections.
     */
    private static int freePort() throws IOException {
        for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(FIRST_PORT, END_OF_PORTS);
            if (isFree(port)) {
                return port;
            }
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            return socket.getLocalPort();
        }
    }

    /** Gives the lock back. */
    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            throw PrivateFile.storage("unlock", path.resolve("lock"), e);
        }
    }
}
