package org.tonle.pipeline;

import static org.tonle.pipeline.TestLake.event;

import java.util.List;
import java.util.Optional;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.SourceDefinition;
import org.tonle.pipeline.TestLake.Event;

/** Stations that report their temperature, checked in silver and summed up in gold. */
final class Readings {
    static final String SILVER =
            "CREATE STREAMING TABLE silver.readings ("
                    + " CONSTRAINT plausible EXPECT (temperature BETWEEN -90 AND 60)"
                    + " ON VIOLATION DROP ROW,"
                    + " CONSTRAINT warm EXPECT (temperature > 0))"
                    + " AS SELECT event_id AS id, station, temperature"
                    + " FROM STREAM bronze.readings WHERE station <> 'test'";
    static final String GOLD =
            "CREATE MATERIALIZED VIEW gold.station AS SELECT station, COUNT(*) AS readings,"
                    + " MAX(temperature) AS hottest FROM silver.readings GROUP BY station";

    private Readings() {}

    static SourceDefinition source() {
        SourceDefinition plain = SourceDefinition.named("readings");
        return new SourceDefinition(
                plain.name(),
                plain.place(),
                plain.idField(),
                Optional.empty(),
                Optional.empty(),
                List.of(
                        column("station", ColumnType.Simple.STRING, true),
                        column("temperature", ColumnType.Simple.DOUBLE, false)),
                1,
                plain.retention(),
                plain.kind());
    }

    private static ColumnDefinition column(String name, ColumnType type, boolean required) {
        return new ColumnDefinition(
                name,
                type,
                JsonPath.field(name),
                required,
                new Place("sources/readings.yaml", 1, 1));
    }

    static Event reading(String id, String station, double temperature) {
        return event(id, "{\"station\":\"%s\",\"temperature\":%s}".formatted(station, temperature));
    }
}
