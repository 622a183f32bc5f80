package org.tonle.transfer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.io.OutputFile;
import org.tonle.catalog.Direct;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagingOperations;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Writes tables, as they are at one commit, into a folder that needs no lake: for each a table of
 * Iceberg's format version 2 with one snapshot and no deletes, laid out as Iceberg's Hadoop catalog
 * has it ({@code namespace/table/metadata/v1.metadata.json} and {@code version-hint.text}).
 *
 * <p>The folder appears when it is whole.
 */
public final class Export {
    private final LakeCatalog catalog;

    public Export(LakeCatalog catalog) {
        this.catalog = catalog;
    }

    /**
     * A table that was written.
     *
     * @param rows those that aren't deleted
     * @param metadata where its metadata file lies
     */
    public record Exported(
            TableIdentifier table, int files, long rows, long bytes, String metadata) {}

    /**
     * Writes tables into a new folder.
     *
     * @param tables of one state
     * @param folder isn't there, or empty
     * @param place the URI at which the files will be read, without a slash at its end
     * @param each is told of each table when it is written
     * @throws LakeException ALREADY_EXISTS, STORAGE, UNSUPPORTED_SQL (a table has files that aren't
     *     Parquet); nothing is left then
     */
    public List<Exported> write(
            Pin pin, List<PinnedTable> tables, Path folder, String place, Consumer<Exported> each) {
        requireNew(folder);
        Path begun =
                folder.toAbsolutePath()
                        .resolveSibling("." + folder.getFileName() + "." + UUID.randomUUID());
        List<Exported> all = new ArrayList<>();
        try {
            for (PinnedTable table : tables) {
                Exported exported = write(pin, table, begun, place);
                all.add(exported);
                each.accept(exported);
            }
            write(
                    new PlacedFiles(place, begun).newOutputFile(place + "/README.md"),
                    readme(pin, place, all));
            Files.deleteIfExists(folder);
            Files.move(begun, folder, StandardCopyOption.ATOMIC_MOVE);
            return all;
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE, "can't write %s: %s".formatted(folder, e), e);
        } catch (UncheckedIOException e) {
            throw LakeException.storage(e);
        } finally {
            LocalFileIO.removeTree(begun);
        }
    }

    private static void requireNew(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            if (files.iterator().hasNext()) {
                throw new LakeException(
                        ErrorCode.ALREADY_EXISTS,
                        "%s isn't empty; name a folder that isn't there yet".formatted(folder));
            }
        } catch (IOException e) {
            throw new LakeException(ErrorCode.STORAGE, "can't read %s: %s".formatted(folder, e), e);
        }
    }

    private Exported write(Pin pin, PinnedTable table, Path folder, String place) {
        TableState state = TableState.read(catalog.io(), table.metadataLocation());
        String location = place + "/" + folder(table.identifier());
        PlacedFiles files = new PlacedFiles(place, folder);
        TableMetadata empty = state.emptied(location);
        List<DataFile> copied = copy(state, files, location);
        StagingOperations operations =
                new StagingOperations(UUID.randomUUID(), files, empty, location);
        if (!copied.isEmpty()) {
            AppendFiles append = new BaseTable(operations, location).newFastAppend();
            append.set("tonle.commit", Long.toString(pin.seq()));
            copied.forEach(append::appendFile);
            append.scanManifestsWith(Direct.EXECUTOR)
                    .writeManifestsWith(Direct.EXECUTOR, 1)
                    .commit();
        }
        String metadata = location + "/metadata/v1.metadata.json";
        TableMetadataParser.write(operations.current(), files.newOutputFile(metadata));
        write(files.newOutputFile(location + "/metadata/version-hint.text"), "1");
        return new Exported(
                table.identifier(),
                copied.size(),
                copied.stream().mapToLong(DataFile::recordCount).sum(),
                copied.stream().mapToLong(DataFile::fileSizeInBytes).sum(),
                metadata);
    }

    /** Clients choose names, and a folder's name isn't to lead elsewhere. */
    private static String folder(TableIdentifier table) {
        return Stream.concat(Arrays.stream(table.namespace().levels()), Stream.of(table.name()))
                .map(level ->
                        Pattern.compile("[^\\p{L}\\p{N}_. -]|^\\.")
                                .matcher(level)
                                .replaceAll(found ->
                                        URLEncoder.encode(found.group(), StandardCharsets.UTF_8)
                                                .replace(".", "%2E")
                                                .replace("*", "%2A")))
                .collect(Collectors.joining("/"));
    }

    private static List<DataFile> copy(TableState state, PlacedFiles files, String location) {
        FileCopies copies = new FileCopies(state);
        Set<String> names = new HashSet<>();
        List<FileCopies.Copy> all = new ArrayList<>();
        for (FileScanTask task : state.files()) {
            String name = task.file().location().replaceFirst(".*/", "");
            String own = names.add(name) ? name : names.size() + "-" + UUID.randomUUID() + name;
            OutputFile to = files.newOutputFile(location + "/data/" + own);
            all.add(new FileCopies.Copy(task, to));
        }
        return copies.copy(all);
    }

    private static String readme(Pin pin, String place, List<Exported> all) {
        String tables =
                all.stream()
                        .map(each ->
                                "| %s | %d | %d | %d |\n"
                                        .formatted(
                                                each.table(),
                                                each.rows(),
                                                each.files(),
                                                each.bytes()))
                        .collect(Collectors.joining());
        return """
        # Tables in Apache Iceberg's format

        The state of a lake at its commit %d. Every folder `namespace/table` is a table of its own, complete, and needs
        nothing but a reader of Iceberg. The files name each other by where they are to lie: `%s`.

            # Python: pip install "pyiceberg[pyarrow]"
            from pyiceberg.table import StaticTable
            StaticTable.from_metadata("%s/NAMESPACE/TABLE/metadata/v1.metadata.json").scan().to_arrow()

            -- DuckDB
            INSTALL iceberg; LOAD iceberg;
            SELECT * FROM iceberg_scan('%s/NAMESPACE/TABLE');

            -- Spark, with spark.sql.catalog.lake.type=hadoop and spark.sql.catalog.lake.warehouse=%s
            SELECT * FROM lake.NAMESPACE.TABLE;

        | table | rows | files | bytes |
        |---|---|---|---|
        %s\
        """
                .formatted(pin.seq(), place, place, place, place, tables);
    }

    private static void write(OutputFile file, String text) {
        try (var out = file.create()) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("can't write " + file.location(), e);
        }
    }
}
