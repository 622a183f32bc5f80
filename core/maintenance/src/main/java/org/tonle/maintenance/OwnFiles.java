package org.tonle.maintenance;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which files in a table's folder the lake wrote itself: their places and names say so. */
final class OwnFiles {
    private static final String METADATA = "/metadata/";
    private static final String ID = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})";

    /** As {@code StagedTable}, {@code MetadataFiles} and the engine's targets name them. */
    private static final Pattern NAME =
            Pattern.compile(
                    "metadata/[0-9]{5,}-%1$s-[0-9]+[.]metadata[.]json|metadata/%1$s-[^/]+[.]avro|data/(?:[^/]+/)*%1$s[^/]*[.](?:parquet|puffin)"
                            .formatted(ID));

    private OwnFiles() {}

    /** The folder of a table that one of its metadata files lies in, if it lies where ours do. */
    static Optional<String> folder(String metadataLocation) {
        int at = metadataLocation.lastIndexOf(METADATA);
        return at <= 0 || metadataLocation.indexOf('/', at + METADATA.length()) >= 0
                ? Optional.empty()
                : Optional.of(metadataLocation.substring(0, at));
    }

    /** The id of the commit that a file in a table's folder is named after; empty if by none. */
    static Optional<UUID> commit(String folder, String location) {
        if (!location.startsWith(folder + "/")) {
            return Optional.empty();
        }
        Matcher name = NAME.matcher(location.substring(folder.length() + 1));
        if (!name.matches()) {
            return Optional.empty();
        }
        for (int group = 1; group <= name.groupCount(); group++) {
            if (name.group(group) != null) {
                return Optional.of(UUID.fromString(name.group(group)));
            }
        }
        return Optional.empty();
    }
}
