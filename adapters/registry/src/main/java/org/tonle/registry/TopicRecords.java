package org.tonle.registry;

import java.util.Optional;
import org.tonle.definition.SourceKind;
import org.tonle.spi.RecordDecoder;

/** What reads the records of an outside topic that aren't plain JSON. */
public final class TopicRecords {
    private TopicRecords() {}

    /** Empty if a record's value is JSON as it is. */
    public static Optional<RecordDecoder> of(SourceKind.Kafka kind) {
        Optional<Schemas> schemas = kind.registry().map(RegistryClient::new).map(Schemas::new);
        return switch (kind.format()) {
            case JSON -> schemas.map(known -> new RegistryRecords(known, true));
            case AVRO, PROTOBUF -> schemas.map(known -> new RegistryRecords(known, false));
            case DEBEZIUM -> Optional.of(new DebeziumRecords(schemas));
        };
    }
}
