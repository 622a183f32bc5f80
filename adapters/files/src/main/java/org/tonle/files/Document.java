package org.tonle.files;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a file says of itself.
 *
 * @param mediaType what it is, by its bytes and its name
 * @param metadata its own: the author, the camera, the sender; by name
 * @param text empty if it has none or couldn't be read
 * @param truncated whether there is more text
 * @param error why it couldn't be read
 */
record Document(
        String mediaType,
        Map<String, List<String>> metadata,
        Optional<String> text,
        boolean truncated,
        Optional<String> error) {
    /** What nothing is known of. */
    static final String UNKNOWN = "application/octet-stream";

    static Document unread(String mediaType, String error) {
        return new Document(mediaType, Map.of(), Optional.empty(), false, Optional.of(error));
    }
}
