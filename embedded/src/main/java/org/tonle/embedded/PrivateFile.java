package org.tonle.embedded;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** A small file that its owner alone reads: mode 0600, made once. */
public final class PrivateFile {
    private static final Set<PosixFilePermission> OWNER =
            PosixFilePermissions.fromString("rw-------");

    private PrivateFile() {}

    /**
     * The text that a file holds; at first use 256 random bits in hexadecimal. Its mode is 0600
     * afterwards, whatever it was.
     *
     * @throws LakeException STORAGE if it can't be read or made
     */
    public static String secret(Path file) {
        byte[] random = new byte[32];
        new SecureRandom().nextBytes(random);
        return remembered(file, HexFormat.of().formatHex(random));
    }

    /** The text that a file holds; at first use {@code initial}. */
    static String remembered(Path file, String initial) {
        try {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                String found = Files.readString(file).strip();
                if (!found.isEmpty()) {
                    Files.setPosixFilePermissions(file, OWNER);
                    return found;
                }
            }
            write(file, initial);
            return initial;
        } catch (IOException e) {
            throw storage("read or write", file, e);
        }
    }

    /** Written beside it and renamed, so that a power cut leaves the old file or the new one. */
    static void write(Path file, String text) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        try (FileChannel channel =
                FileChannel.open(
                        fresh,
                        EnumSet.of(CREATE_NEW, WRITE),
                        PosixFilePermissions.asFileAttribute(OWNER))) {
            channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            channel.force(true);
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        forceDirectory(file.resolveSibling("."));
    }

    static void forceDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory)) {
            channel.force(true);
        }
    }

    static LakeException storage(String action, Path file, IOException e) {
        return new LakeException(
                ErrorCode.STORAGE, "Can't %s %s: %s.".formatted(action, file, e), e);
    }
}
