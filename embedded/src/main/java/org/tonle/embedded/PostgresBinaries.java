package org.tonle.embedded;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * PostgreSQL's programs, unpacked once per user from the archive on the class path into a cache
 * folder named by the archive's hash. The folder appears by a rename, complete or not at all, so
 * that any number of processes may unpack at once.
 */
final class PostgresBinaries {
    private static final String ARCHIVE = "/postgres-linux-x86_64.txz";

    private PostgresBinaries() {}

    /** The folder that holds {@code bin}, {@code lib} and {@code share}. */
    static Path locate(Path cache) {
        try {
            Path home = cache.resolve("postgres-" + hash().substring(0, 16));
            if (!Files.isExecutable(home.resolve("bin/postgres"))) {
                Files.createDirectories(cache);
                unpack(cache, home);
            }
            return home.toRealPath();
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "Can't unpack the embedded PostgreSQL into %s: %s. Free some space there (80 MB), or set XDG_CACHE_HOME to a folder that may be written to."
                            .formatted(cache, e),
                    e);
        }
    }

    /** {@code $XDG_CACHE_HOME/tonle}, or {@code ~/.cache/tonle}. */
    static Path userCache() {
        String configured = System.getenv("XDG_CACHE_HOME");
        Path root =
                configured != null && Path.of(configured).isAbsolute()
                        ? Path.of(configured)
                        : Path.of(System.getProperty("user.home"), ".cache");
        return root.resolve("tonle");
    }

    private static InputStream archive() {
        InputStream stream = PostgresBinaries.class.getResourceAsStream(ARCHIVE);
        if (stream == null) {
            throw new LakeException(
                    ErrorCode.INTERNAL,
                    "The class path lacks "
                            + ARCHIVE
                            + ", PostgreSQL for Linux on x86-64. Install Tonle again, or name an outside PostgreSQL under `ledger:` in lake.yaml.");
        }
        return stream;
    }

    private static String hash() throws IOException {
        try (InputStream stream = archive()) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[1 << 16];
            for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
                digest.update(buffer, 0, n);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new LakeException(ErrorCode.INTERNAL, "This JDK lacks SHA-256.", e);
        }
    }

    private static void unpack(Path cache, Path home) throws IOException {
        Path fresh =
                Files.createTempDirectory(
                        cache,
                        ".unpacking-",
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rwxr-xr-x")));
        try {
            try (TarArchiveInputStream tar =
                    new TarArchiveInputStream(
                            new XZCompressorInputStream(new BufferedInputStream(archive())))) {
                for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
                    unpack(tar, e, fresh);
                }
            }
            Files.move(fresh, home, StandardCopyOption.ATOMIC_MOVE);
            PrivateFile.forceDirectory(cache);
        } catch (IOException e) {
            deleteTree(fresh);
            if (!Files.isExecutable(home.resolve("bin/postgres"))) {
                throw e;
            }
            // somebody else was first; theirs is the same
        }
    }

    private static void unpack(TarArchiveInputStream tar, TarArchiveEntry entry, Path root)
            throws IOException {
        Path target = root.resolve(entry.getName()).normalize();
        if (!target.startsWith(root)) {
            throw new IOException("entry outside the archive: " + entry.getName());
        }
        if (entry.isDirectory()) {
            Files.createDirectories(target);
            return;
        }
        Files.createDirectories(target.resolveSibling("."));
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
            return;
        }
        Files.copy(tar, target);
        boolean executable = (entry.getMode() & 0100) != 0;
        Files.setPosixFilePermissions(
                target, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
        try (FileChannel channel = FileChannel.open(target, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
