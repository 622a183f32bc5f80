package org.tonle.transfer;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.io.FileIO;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.ledger.CommitRequest;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Takes tables into the lake that are there already: the newest rows of an Iceberg table, with the
 * ids of its columns and its partitions, or the rows of Parquet files. Their files are copied, so
 * that whoever keeps the originals may do with them what he likes.
 */
public final class Import {
    /** The {@code kind} of commits by which tables come. */
    public static final String KIND = "import";

    private final LakeCatalog catalog;

    public Import(LakeCatalog catalog) {
        this.catalog = catalog;
    }

    /**
     * A table that has come.
     *
     * @param seq of the commit
     */
    public record Imported(TableIdentifier table, int files, long rows, long bytes, long seq) {}

    /**
     * Takes a table in, in one commit.
     *
     * @param table not there yet; its namespace is made if it isn't
     * @param source of this machine: a table's metadata file, a table's folder with {@code
     *     metadata} in it, or Parquet: a file, or a folder of files with the same columns
     * @throws LakeException NOT_FOUND, INVALID_VALUE (the source is nothing of that),
     *     ALREADY_EXISTS, STORAGE, UNSUPPORTED_SQL (files that aren't Parquet); nothing has come
     *     then
     */
    public Imported take(TableIdentifier table, Path source, String principal) {
        if (catalog.pin().table(table).isPresent()) {
            throw new LakeException(
                    ErrorCode.ALREADY_EXISTS,
                    "%s is there already; import it under another name".formatted(table));
        }
        TableState state = state(source.toAbsolutePath().normalize());
        List<FileScanTask> files = state.files();
        catalog.ensureNamespace(String.join(".", table.namespace().levels()), principal);
        try (StagedCommit commit = catalog.stage()) {
            StagedTable staged = commit.create(table, state::emptied);
            FileIO local = new LocalFileIO();
            List<FileCopies.Copy> copies = new ArrayList<>();
            for (FileScanTask file : files) {
                Path to = staged.newDataFile("");
                copies.add(
                        new FileCopies.Copy(
                                file,
                                new PlacedFiles.Placed(
                                        staged.location(to), local.newOutputFile(to.toString()))));
            }
            List<DataFile> copied = new FileCopies(state).copy(copies);
            if (!copied.isEmpty()) {
                staged.append(copied);
            }
            long rows = copied.stream().mapToLong(DataFile::recordCount).sum();
            long bytes = copied.stream().mapToLong(DataFile::fileSizeInBytes).sum();
            long seq =
                    commit.publish(
                            CommitRequest.builder(commit.id(), KIND, principal)
                                    .summary("from", source.toString())
                                    .summary("files", copied.size())
                                    .summary("rows", rows)
                                    .summary("bytes", bytes));
            return new Imported(table, copied.size(), rows, bytes, seq);
        }
    }

    private static boolean isTable(Path folder) {
        return Files.isDirectory(folder.resolve("metadata"));
    }

    private static TableState state(Path source) {
        if (!Files.exists(source)) {
            throw new LakeException(ErrorCode.NOT_FOUND, "there is no " + source);
        }
        FileIO local = new LocalFileIO();
        if (source.toString().endsWith(".metadata.json")) {
            return TableState.read(local, source.toString());
        }
        return isTable(source)
                ? TableState.read(local, newest(source.resolve("metadata")).toString())
                : ParquetFiles.state(source, local);
    }

    /** What the hint names, else the metadata file of the highest version. */
    private static Path newest(Path metadata) {
        try {
            Path hint = metadata.resolve("version-hint.text");
            if (Files.exists(hint)) {
                Path hinted =
                        metadata.resolve("v" + Files.readString(hint).strip() + ".metadata.json");
                if (Files.exists(hinted)) {
                    return hinted;
                }
            }
            try (DirectoryStream<Path> all =
                    Files.newDirectoryStream(metadata, "*.metadata.json")) {
                List<Path> files = new ArrayList<>();
                all.forEach(files::add);
                return files.stream()
                        .max(Comparator.comparingLong(Import::version))
                        .orElseThrow(() ->
                                new LakeException(
                                        ErrorCode.INVALID_VALUE,
                                        metadata + " holds no metadata file of a table"));
            }
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE, "can't read %s: %s".formatted(metadata, e), e);
        }
    }

    /** Files are called {@code v3.metadata.json} or {@code 00003-….metadata.json}. */
    private static long version(Path file) {
        String digits = String.valueOf(file.getFileName()).replaceFirst("^v?(\\d{1,18}).*", "$1");
        return digits.matches("\\d+") ? Long.parseLong(digits) : -1;
    }
}
