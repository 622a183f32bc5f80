package org.tonle.ingest;

import java.util.Map;
import java.util.Optional;
import org.tonle.definition.SourceDefinition;

/** Where the topic lies that a source is brought to bronze from. All throw LOG_UNAVAILABLE. */
interface SourceLog {
    /**
     * The topic of {@code source}, ready to be read.
     *
     * @param isNew whether nothing was read from it yet
     * @throws org.tonle.spi.LakeException LOG_GAP if something was and it is gone
     */
    SourceTopic prepare(SourceDefinition source, boolean isNew);

    /** Where each partition is to be read from that has no position yet. */
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

    /** How many partitions the topic has now. */
    int partitions(SourceTopic topic);
}
