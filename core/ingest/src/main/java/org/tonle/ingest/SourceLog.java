package org.tonle.ingest;

import java.util.Map;
import java.util.Optional;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.LakeException;

/**
 * Where the topic lies that a source is brought to bronze from. All throw LOG_UNAVAILABLE, or what
 * {@link #explained} makes of it.
 */
interface SourceLog {
    /**
     * The topic of {@code source}, ready to be read.
     *
     * @param isNew whether nothing was read from it yet
     * @throws org.tonle.spi.LakeException LOG_GAP if something was and it is gone
     */
    SourceTopic prepare(SourceDefinition source, boolean isNew);

    /** Where to begin with a topic of which nothing was read yet; a partition left out, with 0. */
    Map<Integer, Long> begin(SourceTopic topic);

    /** What somebody should mend though it works. */
    Optional<String> weakness(SourceTopic topic);

    /** A reader of its own for one thread. */
    LogReader reader(SourceTopic topic, Map<Integer, LogReader.From> from);

    /**
     * The id of the topic that has this name now.
     *
     * @throws org.tonle.spi.LakeException LOG_GAP if there is none any more
     */
    String topicId(SourceTopic topic);

    /** The same failure, in the words of what this is. */
    LakeException explained(LakeException failure);

    /** How many partitions the topic has now. */
    int partitions(SourceTopic topic);
}
