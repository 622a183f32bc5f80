package org.tonle.definition;

/**
 * Where something stands in the lake folder.
 *
 * @param file path relative to the lake folder, with {@code /} between its parts
 * @param line from 1
 * @param column from 1, in UTF-16 units as {@code String} counts
 */
public record Place(String file, int line, int column) {
    public Place {
        if (line < 1 || column < 1) {
            throw new IllegalArgumentException("lines and columns count from 1");
        }
    }

    /** The start of a file. */
    static Place startOf(String file) {
        return new Place(file, 1, 1);
    }

    /** {@code file:line:column}, as editors and terminals make links of it. */
    @Override
    public String toString() {
        return file + ":" + line + ":" + column;
    }
}
