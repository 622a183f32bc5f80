package org.tonle.lake;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.tonle.pipeline.DatasetTask;
import org.tonle.pipeline.PipelineRunner;
import org.tonle.pipeline.TaskResult;
import org.tonle.query.RowFormat;
import org.tonle.query.RunningQuery;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Dataset;
import org.tonle.sql.Pipelines;
import org.tonle.sql.TableName;

/**
 * What the datasets of a running lake refused, and how it is taken back. Safe for use by many
 * threads; calls block. Whoever asks and what is in the audit.
 */
public final class LakeQuarantine {
    /** An answer is in memory as a whole, some of them at once, and refused rows may be large. */
    private static final int MOST_BYTES = 16 << 20;

    private final Lake lake;
    private final List<Dataset> datasets;
    private final PipelineRunner pipelines;

    LakeQuarantine(Lake lake, List<Dataset> datasets, PipelineRunner pipelines) {
        this.lake = lake;
        this.datasets = List.copyOf(datasets);
        this.pipelines = pipelines;
    }

    /**
     * What became of rows that were judged again.
     *
     * @param seq the commit that it made, the last one of a replay in parts; empty if there was
     *     nothing to change
     * @param read rows that were judged
     * @param written rows that entered the table
     * @param quarantined of those that were judged, rows that are in quarantine now
     * @param filtered rows that WHERE left out
     * @param duplicates rows whose key was there already
     */
    public record Judged(
            String dataset,
            OptionalLong seq,
            long read,
            long written,
            long quarantined,
            long filtered,
            long duplicates) {}

    /**
     * What a refresh did.
     *
     * @param following those that read what was refreshed and follow by themselves, but haven't yet
     * @param stale those that read what was refreshed, and can't go on before they are refreshed
     *     too; each after those that it reads
     */
    public record Refresh(List<Judged> refreshed, List<Following> following, List<String> stale) {
        public Refresh {
            refreshed = List.copyOf(refreshed);
            following = List.copyOf(following);
            stale = List.copyOf(stale);
        }
    }

    /**
     * A dataset that is going to be refreshed.
     *
     * @param reason why that isn't done yet
     */
    public record Following(String dataset, String reason) {}

    /**
     * How many rows each rule keeps in quarantine, of the datasets whose quarantine a principal
     * sees.
     *
     * @return a JSON array of objects: dataset, reason, rule, rows, first, last
     * @throws LakeException STORAGE while it can't be known of a dataset
     */
    public String rules(Principal principal) {
        List<TableStatus> tables = lake.tables();
        tables.stream()
                .filter(table -> !table.whole())
                .findFirst()
                .ifPresent(table -> {
                    throw new LakeException(
                            ErrorCode.STORAGE,
                            "What %s refused can't be read now. GET /api/v1/datasets says why."
                                    .formatted(table.name()));
                });
        String all =
                tables.stream()
                        .filter(table -> table.quarantined() > 0)
                        .map(TableStatus::name)
                        .map(name ->
                                "SELECT '%s' AS \"dataset\", reason, \"rule\", COUNT(*) AS \"rows\", MIN(ingest_time) AS \"first\", MAX(ingest_time) AS \"last\" FROM %s GROUP BY reason, \"rule\""
                                        .formatted(
                                                name.toString().replace("'", "''"),
                                                quoted(Pipelines.quarantine(name))))
                        .collect(Collectors.joining(" UNION ALL "));
        return all.isEmpty() ? "[]" : json(all + " ORDER BY 1, 2, 3", principal);
    }

    /**
     * Rows of a dataset's quarantine, those taken in last first.
     *
     * @param where a condition over the columns of the quarantine table
     * @return a JSON array of objects
     * @throws LakeException NOT_FOUND if there is no such dataset to be seen; INVALID_SQL
     */
    public String rows(String dataset, Optional<String> where, int limit, Principal principal) {
        return json(
                "SELECT * FROM "
                        + quoted(Pipelines.quarantine(name(dataset)))
                        + where.map(text -> " WHERE (" + text + "\n)").orElse("")
                        + " ORDER BY ingest_time DESC, \"key\" LIMIT "
                        + limit,
                principal);
    }

    /**
     * Judges rows again; see {@link DatasetTask.Replay}. Many are judged in parts, a commit each:
     * if one fails, what was done before stays, and its exception says so.
     *
     * @throws LakeException FORBIDDEN if a part of the quarantine table is hidden from whoever
     *     asks; else as {@link PipelineRunner#perform}
     */
    public Judged replay(
            String dataset, Optional<String> where, Optional<String> fix, Principal principal) {
        TableName refused = Pipelines.quarantine(name(dataset));
        String said =
                "REPLAY "
                        + dataset
                        + where.map(text -> " WHERE " + text).orElse("")
                        + fix.map(text -> " FIX " + text).orElse("");
        return lake.queries()
                .audited(
                        said,
                        principal,
                        () -> {
                            requireWhole(refused, principal);
                            return perform(
                                    new DatasetTask.Replay(dataset, where, fix, principal.name()));
                        });
    }

    /**
     * Computes a dataset anew; see {@link DatasetTask.Refresh} and {@link PipelineRunner#perform}.
     *
     * @param from leaves rows as they are that were taken in before then
     * @param downstream whether those that read it as a stream are computed anew as well: from the
     *     moment on when the dataset is, they will be, whatever happens to this process
     */
    public Refresh refresh(
            String dataset, Optional<Instant> from, boolean downstream, Principal principal) {
        return lake.queries()
                .audited(
                        "REFRESH "
                                + dataset
                                + from.map(time -> " FROM " + time).orElse("")
                                + (downstream ? " DOWNSTREAM" : ""),
                        principal,
                        () -> {
                            Judged first =
                                    perform(
                                            new DatasetTask.Refresh(
                                                    dataset, from, downstream, principal.name()));
                            List<String> reading = pipelines.downstream(dataset);
                            if (downstream) {
                                return followed(first, reading, principal);
                            }
                            boolean stale =
                                    pipelines.isRewritten(dataset, first.seq().orElseThrow());
                            return new Refresh(
                                    List.of(first), List.of(), stale ? reading : List.of());
                        });
    }

    /** Waits for those that follow, as far as this process runs them. */
    private Refresh followed(Judged first, List<String> reading, Principal principal) {
        List<Judged> done = new ArrayList<>(List.of(first));
        List<Following> left = new ArrayList<>();
        for (String next : reading) {
            Optional<String> waitsFor =
                    left.stream()
                            .map(Following::dataset)
                            .filter(other -> reads(next, other))
                            .findFirst();
            if (waitsFor.isPresent()) {
                left.add(new Following(next, "it comes after " + waitsFor.get()));
                continue;
            }
            try {
                done.add(
                        perform(
                                new DatasetTask.Follow(
                                        next, first.seq().orElseThrow(), principal.name())));
            } catch (LakeException e) {
                if (e.code() == ErrorCode.CANCELLED) {
                    throw e;
                }
                left.add(new Following(next, String.valueOf(e.getMessage())));
            }
        }
        return new Refresh(done, left, List.of());
    }

    private boolean reads(String dataset, String other) {
        return datasets.stream()
                .filter(known -> known.name().toString().equals(dataset))
                .flatMap(known -> known.reads().stream())
                .anyMatch(read -> read.toString().equalsIgnoreCase(other));
    }

    private Judged perform(DatasetTask task) {
        TaskResult result = pipelines.perform(task);
        return new Judged(
                task.dataset(),
                result.seq(),
                result.read(),
                result.written(),
                result.quarantined(),
                result.filtered(),
                result.duplicates());
    }

    /** How many rows a condition is true of tells what they hold. */
    private void requireWhole(TableName quarantine, Principal principal) {
        if (lake.queries()
                .policy(principal)
                .of(quarantine)
                .filter(access -> !access.isRestricted())
                .isEmpty()) {
            throw new LakeException(
                    ErrorCode.FORBIDDEN,
                    "some of %s is hidden from %s, and only who sees all of it may replay it"
                            .formatted(quarantine, principal.name()));
        }
    }

    private TableName name(String dataset) {
        return datasets.stream()
                .map(Dataset::name)
                .filter(name -> name.toString().equalsIgnoreCase(dataset))
                .findFirst()
                .orElseThrow(() -> pipelines.unknown(dataset));
    }

    private static String quoted(TableName name) {
        return "\"%s\".\"%s\"".formatted(name.namespace(), name.name().replace("\"", "\"\""));
    }

    private String json(String sql, Principal principal) {
        ByteArrayOutputStream out = new Bounded();
        try (RunningQuery rows = lake.query(sql, principal)) {
            var unused = rows.writeTo(out, RowFormat.JSON);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /** What is held in memory as a whole. */
    private static final class Bounded extends ByteArrayOutputStream {
        @Override
        public synchronized void write(int b) {
            require(1);
            super.write(b);
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) {
            require(length);
            super.write(bytes, offset, length);
        }

        private void require(int more) {
            if (size() + (long) more > MOST_BYTES) {
                throw new LakeException(
                        ErrorCode.TOO_LARGE,
                        "These rows are larger than %d MB together: ask for fewer (limit), or with SELECT for some of their columns"
                                .formatted(MOST_BYTES >> 20));
            }
        }
    }
}
