package org.tonle.lake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.catalog.CachedFiles;
import org.tonle.catalog.FolderFiles;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.TableFiles;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.LedgerDefinition;
import org.tonle.definition.StorageDefinition;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.maintenance.Check;
import org.tonle.s3.TableBucket;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Policies;
import org.tonle.transfer.Export;
import org.tonle.transfer.Import;

/**
 * The tables of a lake's folder, for the tools of whoever may read it: ledger and files, without
 * sources, pipelines or doors. The lake may run meanwhile, in another process, and shares its
 * ledger; if it doesn't, it can't be started before this is closed.
 */
public final class LakeTables implements AutoCloseable {
    private static final long CACHE_BYTES = 64L << 20;

    private final LakeCatalog catalog;
    private final Policies policies;
    private final Parts parts;

    private LakeTables(LakeCatalog catalog, Policies policies, Parts parts) {
        this.catalog = catalog;
        this.policies = policies;
        this.parts = parts;
    }

    /**
     * Opens the tables of a lake that has been started at least once.
     *
     * @param environment where {@code ${env:NAME}} in the folder is looked up
     * @throws org.tonle.definition.DefinitionException with every problem of the folder
     * @throws LakeException NOT_FOUND if no lake was ever started there; what keeps its ledger or
     *     its storage from being reached
     */
    public static LakeTables open(Path folder, Map<String, String> environment) {
        LakeDefinition definition = LakeDefinition.load(folder, environment, Pipelines::problems);
        if (!Files.isDirectory(definition.state())) {
            throw new LakeException(
                    ErrorCode.NOT_FOUND,
                    "No lake was ever started in %s, so it has no tables yet".formatted(folder));
        }
        Parts parts = new Parts();
        try {
            Ledger ledger = parts.add(ledger(definition, parts));
            new LakePins(ledger).requireSameStorage(definition);
            TableFiles files = files(definition, parts);
            return new LakeTables(
                    new LakeCatalog(ledger, files, FailPoints.NONE),
                    Policies.of(definition.policy(), Pipelines.of(definition)),
                    parts);
        } catch (RuntimeException | Error e) {
            parts.close();
            throw e;
        }
    }

    private static Ledger ledger(LakeDefinition definition, Parts parts) {
        LedgerConfig config =
                switch (definition.ledger()) {
                    case LedgerDefinition.Embedded embedded -> embedded(definition.state(), parts);
                    case LedgerDefinition.Postgres postgres -> LakeStart.config(postgres);
                };
        return Ledger.open(config, FailPoints.NONE);
    }

    /** Of a lake that runs, the one that it started. */
    private static LedgerConfig embedded(Path state, Parts parts) {
        Path directory = LakeStart.postgres(state);
        try {
            parts.add(FolderLock.take(state));
        } catch (LakeException inUse) {
            EmbeddedPostgres.Address address =
                    EmbeddedPostgres.running(directory).orElseThrow(() -> inUse);
            return new LedgerConfig(address.jdbcUrl(), address.user(), address.password());
        }
        EmbeddedPostgres postgres = parts.add(EmbeddedPostgres.start(directory));
        return new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password());
    }

    /** Copies of a bucket's files lie apart from the lake's own, of which it keeps the account. */
    private static TableFiles files(LakeDefinition definition, Parts parts) {
        return switch (definition.storage()) {
            case StorageDefinition.Folder(Path root) -> new FolderFiles(root);
            case StorageDefinition.Bucket bucket -> {
                try {
                    Path copies = Files.createTempDirectory(definition.state(), "tool-");
                    parts.add(() -> LocalFileIO.removeTree(copies));
                    yield parts.add(
                            new CachedFiles(
                                    TableBucket.files(
                                            bucket,
                                            Files.createDirectory(copies.resolve(".staging"))),
                                    bucket.place(),
                                    copies,
                                    CACHE_BYTES));
                } catch (IOException e) {
                    throw new UncheckedIOException("can't write in " + definition.state(), e);
                }
            }
        };
    }

    /**
     * Writes tables into a folder that needs no lake.
     *
     * @param names of the tables, like {@code silver.flights}; none: all
     * @param asOf the commit at which they are read; empty: the newest
     * @param folder isn't there, or empty
     * @param place the URI at which the files will be read
     * @param each is told of each table when it is written
     * @return the commit that was read
     * @throws LakeException NOT_FOUND (a table, or the commit), INVALID_REQUEST for what is no
     *     table's name, and as {@link Export#write}
     */
    public long export(
            List<String> names,
            OptionalLong asOf,
            Path folder,
            String place,
            Consumer<Export.Exported> each) {
        Pin newest = catalog.pin();
        Pin pin = asOf.isPresent() ? newest.at(asOf.getAsLong()) : newest;
        List<PinnedTable> tables =
                names.isEmpty()
                        ? pin.tables()
                        : names.stream().map(name -> table(pin, name)).toList();
        var unused = new Export(catalog).write(pin, tables, folder, place, each);
        return pin.seq();
    }

    private static PinnedTable table(Pin pin, String name) {
        return pin.table(identifier(name))
                .orElseThrow(() ->
                        new LakeException(
                                ErrorCode.NOT_FOUND,
                                "there is no table %s at commit %d".formatted(name, pin.seq())));
    }

    /**
     * Takes a table in that is there already.
     *
     * @param name what it is to be called, like {@code lab.flights}
     * @throws LakeException FORBIDDEN if the namespace is the lake's own, INVALID_REQUEST for what
     *     is no table's name, and as {@link Import#take}
     */
    public Import.Imported take(String name, Path source) {
        TableIdentifier table = identifier(name);
        policies.reserved(table.namespace().level(0))
                .ifPresent(why -> {
                    throw new LakeException(
                            ErrorCode.FORBIDDEN, "%s can't be written: %s".formatted(name, why));
                });
        return new Import(catalog).take(table, source, Principal.LAKE.name());
    }

    private static TableIdentifier identifier(String name) {
        List<String> levels = List.of(name.split("\\.", -1));
        if (levels.size() < 2 || levels.contains("")) {
            throw new LakeException(
                    ErrorCode.INVALID_REQUEST,
                    "'%s' is no table's name with its namespace, like lab.flights".formatted(name));
        }
        return TableIdentifier.of(levels.toArray(String[]::new));
    }

    /** Whether all is there that the ledger names, as {@link Check#of}. */
    public Check.Report check(boolean contents, Consumer<Check.Problem> each) {
        return Check.of(catalog, contents, each);
    }

    @Override
    public void close() {
        parts.close();
    }
}
