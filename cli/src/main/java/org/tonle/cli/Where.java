package org.tonle.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Which lake a command asks, and as whom: options that such commands share. */
final class Where {
    /** Where to send what, and with which token. */
    record Lake(String url, String token) {}

    /** One of the two. */
    static final class Address {
        @Option(
                names = "--lake",
                paramLabel = "DIR",
                description =
                        "The lake that runs in this folder, asked with the folder's admin token;"
                                + " the current one if left out.")
        private Path lake = Path.of(".");

        @Option(
                names = "--url",
                paramLabel = "U",
                description =
                        "The lake at this address, like http://127.0.0.1:7070, asked with the"
                                + " token in TONLE_TOKEN.")
        private @Nullable String url;
    }

    @ArgGroup(exclusive = true)
    private Address address = new Address();

    @Option(
            names = "--token-file",
            paramLabel = "F",
            description = "Asks with the token in this file instead.")
    private @Nullable Path tokenFile;

    /**
     * The lake that was meant.
     *
     * @throws Failure NOT_RUNNING if none runs in the folder, USAGE for what is no address
     */
    Lake lake(Map<String, String> environment) {
        if (address.url == null) {
            Path folder = address.lake.toAbsolutePath().normalize();
            String url = LakeAddress.running(folder).url();
            return new Lake(
                    url, tokenFile == null ? LakeAddress.adminToken(folder) : token(tokenFile));
        }
        String url = address.url.replaceFirst("/+$", "");
        if (!url.matches("https?://[^/]+")) {
            throw new Failure(Exit.USAGE, "not a lake's address: " + url);
        }
        return new Lake(
                url,
                tokenFile == null
                        ? environment.getOrDefault("TONLE_TOKEN", "").strip()
                        : token(tokenFile));
    }

    private static String token(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new Failure(Exit.FAILED, "can't read the token in %s (%s)".formatted(file, e));
        }
    }
}
