package org.tonle.pipeline;

import java.time.InstantSource;
import java.util.List;
import org.tonle.catalog.LakeCatalog;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.FailPoints;
import org.tonle.sql.SqlEngine;

/** What every dataset's work needs of the lake around it. */
record RunEnvironment(
        List<SourceDefinition> sources,
        LakeCatalog catalog,
        SqlEngine engine,
        PipelineSettings settings,
        FailPoints failPoints,
        InstantSource clock) {
    RunEnvironment {
        sources = List.copyOf(sources);
    }
}
