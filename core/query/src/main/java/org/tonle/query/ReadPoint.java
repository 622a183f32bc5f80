package org.tonle.query;

/** Which state of the lake a query reads. */
public sealed interface ReadPoint {
    /** The newest there is when the query starts. */
    record Newest() implements ReadPoint {}

    /** All tables as they stood when commit {@code seq} was the newest. */
    record AsOf(long seq) implements ReadPoint {}

    /** The newest, once it holds commit {@code seq}: so that one reads what one wrote. */
    record AtLeast(long seq) implements ReadPoint {}

    ReadPoint NEWEST = new Newest();
}
