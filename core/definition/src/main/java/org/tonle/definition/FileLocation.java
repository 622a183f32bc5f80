package org.tonle.definition;

import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/** Where files lie. */
public sealed interface FileLocation {
    /** As somebody would name it, without what is secret. */
    @Override
    String toString();

    /**
     * A folder, with those in it.
     *
     * @param path absolute
     */
    record Folder(Path path) implements FileLocation {
        @Override
        public String toString() {
            return path.toString();
        }
    }

    /**
     * The objects of a bucket whose keys begin alike.
     *
     * @param name the bucket's
     * @param prefix empty, or ended by {@code /}
     * @param endpoint of a server that isn't Amazon's
     * @param region empty: as the environment says
     * @param credentials empty: as the environment says
     * @param pathStyle whether the bucket stands in the address' path and not in its host
     */
    record Bucket(
            String name,
            String prefix,
            Optional<URI> endpoint,
            Optional<String> region,
            Optional<Credentials> credentials,
            boolean pathStyle)
            implements FileLocation {
        @Override
        public String toString() {
            return "s3://" + name + "/" + prefix;
        }
    }

    /** Who asks a bucket's server. */
    record Credentials(Secret accessKey, Secret secretKey) {}
}
