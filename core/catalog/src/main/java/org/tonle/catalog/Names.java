package org.tonle.catalog;

import java.util.List;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;

/** How namespaces stand in the ledger: levels joined by the unit separator, as REST does it. */
public final class Names {
    private static final String SEPARATOR = "\u001f";

    private Names() {}

    /** As the ledger has a namespace. */
    public static String encode(Namespace namespace) {
        return String.join(SEPARATOR, List.of(namespace.levels()));
    }

    /** The first level of a namespace as the ledger has it. */
    public static String top(String encoded) {
        int end = encoded.indexOf(SEPARATOR);
        return end < 0 ? encoded : encoded.substring(0, end);
    }

    static Namespace namespace(String encoded) {
        return encoded.isEmpty() ? Namespace.empty() : Namespace.of(encoded.split(SEPARATOR, -1));
    }

    static TableIdentifier identifier(String namespace, String name) {
        return TableIdentifier.of(namespace(namespace), name);
    }
}
