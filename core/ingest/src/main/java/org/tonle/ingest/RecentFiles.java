package org.tonle.ingest;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ManifestReader;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.expressions.ManifestEvaluator;
import org.tonle.catalog.LakeCatalog;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * The files of a bronze table that hold rows since some ingest time. Manifests of older days aren't
 * opened, so that years of history cost nothing.
 */
final class RecentFiles {
    private RecentFiles() {}

    static List<DataFile> since(LakeCatalog catalog, TableIdentifier name, long ingestTimeMicros) {
        Table table = catalog.iceberg("bronze").loadTable(name);
        Snapshot snapshot = table.currentSnapshot();
        List<DataFile> found = new ArrayList<>();
        if (snapshot == null) {
            return found;
        }
        Expression recent = Expressions.greaterThanOrEqual("ingest_time", ingestTimeMicros);
        for (ManifestFile manifest : snapshot.dataManifests(table.io())) {
            boolean mayHold =
                    ManifestEvaluator.forRowFilter(
                                    recent, table.specs().get(manifest.partitionSpecId()), true)
                            .eval(manifest);
            if (mayHold) {
                read(table, manifest, recent, found);
            }
        }
        return found;
    }

    private static void read(
            Table table, ManifestFile manifest, Expression filter, List<DataFile> found) {
        try (ManifestReader<DataFile> reader =
                ManifestFiles.read(manifest, table.io(), table.specs()).filterRows(filter)) {
            for (DataFile file : reader) {
                found.add(file.copy());
            }
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "Can't read manifest %s: %s.".formatted(manifest.path(), e),
                    e);
        }
    }
}
