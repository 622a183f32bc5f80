package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * {@code .tonle/lake.json}: where a running lake is found. It is there from the moment the lake is
 * ready until it stops; a lake that was killed leaves it behind.
 *
 * @param url of the REST API
 * @param pid of the JVM
 * @param version of Tonle
 */
record LakeAddress(String url, long pid, String version) {
    private static final ObjectMapper JSON = new ObjectMapper();

    static Path file(Path lake) {
        return lake.resolve(".tonle").resolve("lake.json");
    }

    /** Appears at once or not at all. */
    void write(Path lake) {
        Path file = file(lake);
        Path part = file.resolveSibling("lake.json.part");
        try {
            Files.writeString(
                    part,
                    JSON.createObjectNode()
                                    .put("url", url)
                                    .put("pid", pid)
                                    .put("version", version)
                                    .toString()
                            + "\n");
            Files.move(
                    part,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException("can't write " + file, e);
        }
    }

    static void remove(Path lake) {
        try {
            Files.deleteIfExists(file(lake));
        } catch (IOException e) {
            throw new UncheckedIOException("can't remove " + file(lake), e);
        }
    }

    /** What the file says, whether that lake still runs or not. */
    static Optional<LakeAddress> read(Path lake) {
        try {
            JsonNode node = JSON.readTree(Files.readString(file(lake)));
            return Optional.of(
                    new LakeAddress(
                            node.path("url").asText(),
                            node.path("pid").asLong(),
                            node.path("version").asText()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + file(lake), e);
        }
    }

    /**
     * The token that a lake has put into its folder for whoever may read that.
     *
     * @throws Failure FAILED if it can't be read
     */
    static String adminToken(Path lake) {
        Path file = lake.resolve(".tonle").resolve("admin-token");
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new Failure(
                    Exit.FAILED,
                    "can't read %s (%s); ask as the user who runs the lake, or with --token-file"
                            .formatted(file, e));
        }
    }

    /**
     * The lake that runs in a folder.
     *
     * @throws Failure NOT_RUNNING if there is none
     */
    static LakeAddress running(Path lake) {
        LakeAddress address =
                read(lake)
                        .orElseThrow(() ->
                                new Failure(
                                        Exit.NOT_RUNNING,
                                        "no lake is running in "
                                                + lake
                                                + "; start it with: tonle up --lake "
                                                + lake));
        if (ProcessHandle.of(address.pid()).isEmpty()) {
            throw new Failure(
                    Exit.NOT_RUNNING,
                    "the lake in "
                            + lake
                            + " was process "
                            + address.pid()
                            + " and runs no more; start it with: tonle up --lake "
                            + lake);
        }
        return address;
    }
}
