package org.tonle.openlineage;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What OpenLineage calls a dataset that lies in files: {@code file} and the path on a local disk,
 * {@code s3://bucket} and the key in an object store.
 */
record Name(String namespace, String name) {
    private static final Pattern LOCATION =
            Pattern.compile("([a-zA-Z][a-zA-Z0-9+.-]*):(?://([^/]*))?(/.*)");

    /**
     * Of an Iceberg table's location, which has a scheme or is a path; nothing in it is encoded.
     */
    static Name of(String location) {
        Matcher matcher = LOCATION.matcher(location);
        if (!matcher.matches()) {
            return new Name("file", location);
        }
        String scheme = matcher.group(1);
        String authority = matcher.group(2);
        if (authority == null || authority.isEmpty()) {
            return new Name(scheme, matcher.group(3));
        }
        return new Name(
                scheme + "://" + authority,
                scheme.equals("file") ? matcher.group(3) : matcher.group(3).substring(1));
    }
}
