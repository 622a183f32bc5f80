package org.tonle.server;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.tonle.definition.FileLocation;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.ingest.IngestReceipt;
import org.tonle.ingest.SourceStatus;
import org.tonle.lake.CacheCounts;
import org.tonle.lake.IcebergClient;
import org.tonle.lake.LakeAccess;
import org.tonle.lake.LakeQuarantine;
import org.tonle.lake.LineageEvents;
import org.tonle.lake.PolicyReport;
import org.tonle.lake.SourceReport;
import org.tonle.lake.TableStatus;
import org.tonle.lake.TableStatus.State;
import org.tonle.query.ActiveQuery;
import org.tonle.query.Answer;
import org.tonle.query.AnswerCounts;
import org.tonle.query.ColumnLineage;
import org.tonle.query.Question;
import org.tonle.spi.ApiKey;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Policies;
import org.tonle.sql.TableName;

/** A lake that does what a test says, to show what the doors make of it. */
final class ScriptedLake implements Backend {
    record Ingested(
            String source,
            String body,
            String contentType,
            String key,
            Map<String, String> headers) {}

    /** Each is a token, too, of somebody with this role. */
    static final Set<String> ROLES = Set.of("admin", "data_engineer", "data_viewer", "ingest");

    private static final ApiKey KEY =
            new ApiKey(
                    "k1",
                    Set.of("data_viewer"),
                    Optional.of("anna"),
                    Instant.parse("2026-01-01T00:00:00Z"),
                    Optional.of(Instant.parse("2026-02-01T00:00:00Z")));

    volatile Ingested last;
    volatile Question asked;
    volatile String created = "";
    volatile LakeException failure;
    volatile Optional<String> notReady = Optional.empty();
    final CountDownLatch inside = new CountDownLatch(1);
    final CountDownLatch letGo = new CountDownLatch(1);
    final CountDownLatch cancelled = new CountDownLatch(1);

    /** A lake that is another one for each test. */
    static Backend whichever(Supplier<ScriptedLake> current) {
        return new Backend() {
            @Override
            public Principal authenticate(String token) {
                return current.get().authenticate(token);
            }

            @Override
            public IcebergClient iceberg(Principal principal, Optional<IcebergClient.Key> key) {
                return current.get().iceberg(principal, key);
            }

            @Override
            public List<ApiKey> keys() {
                return current.get().keys();
            }

            @Override
            public LakeAccess.NewKey createKey(
                    Set<String> roles,
                    Optional<String> user,
                    Optional<Duration> time,
                    Principal by) {
                return current.get().createKey(roles, user, time, by);
            }

            @Override
            public void revokeKey(String id) {
                current.get().revokeKey(id);
            }

            @Override
            public PolicyReport check(String sql, String name, Set<String> roles, Principal asker) {
                return current.get().check(sql, name, roles, asker);
            }

            @Override
            public Optional<SourceDefinition> source(String name) {
                return current.get().source(name);
            }

            @Override
            public IngestReceipt ingest(
                    String source,
                    byte[] body,
                    String contentType,
                    Optional<String> key,
                    Map<String, String> headers) {
                return current.get().ingest(source, body, contentType, key, headers);
            }

            @Override
            public void answer(Question question, Answer.Receiver receiver) {
                current.get().answer(question, receiver);
            }

            @Override
            public List<ActiveQuery> queries(Principal principal) {
                return current.get().queries(principal);
            }

            @Override
            public void cancel(String query, Principal principal) {
                current.get().cancel(query, principal);
            }

            @Override
            public ColumnLineage lineage(String column, Principal principal) {
                return current.get().lineage(column, principal);
            }

            @Override
            public String refusedByRule(Principal principal) {
                return current.get().refusedByRule(principal);
            }

            @Override
            public String refused(
                    String dataset, Optional<String> where, int limit, Principal principal) {
                return current.get().refused(dataset, where, limit, principal);
            }

            @Override
            public LakeQuarantine.Judged replay(
                    String dataset,
                    Optional<String> where,
                    Optional<String> fix,
                    Principal principal) {
                return current.get().replay(dataset, where, fix, principal);
            }

            @Override
            public LakeQuarantine.Refresh refresh(
                    String dataset,
                    Optional<Instant> from,
                    boolean downstream,
                    Principal principal) {
                return current.get().refresh(dataset, from, downstream, principal);
            }

            @Override
            public List<TableStatus> tables() {
                return current.get().tables();
            }

            @Override
            public List<TableStatus> tables(Principal principal) {
                return current.get().tables(principal);
            }

            @Override
            public List<SourceReport> sources() {
                return current.get().sources();
            }

            @Override
            public List<SourceReport> sources(Principal principal) {
                return current.get().sources(principal);
            }

            @Override
            public int keepFiles(String prefix, boolean kept) {
                return current.get().keepFiles(prefix, kept);
            }

            @Override
            public SourceReport pause(String source, Principal by) {
                return current.get().pause(source, by);
            }

            @Override
            public SourceReport resume(String source, Principal by) {
                return current.get().resume(source, by);
            }

            @Override
            public AnswerCounts answers() {
                return current.get().answers();
            }

            @Override
            public Optional<LineageEvents> lineageEvents() {
                return current.get().lineageEvents();
            }

            @Override
            public Optional<CacheCounts> cache() {
                return current.get().cache();
            }

            @Override
            public Optional<String> notReady() {
                return current.get().notReady();
            }
        };
    }

    @Override
    public Principal authenticate(String token) {
        if (ROLES.contains(token)) {
            return new Principal("the " + token, Set.of(token), Map.of());
        }
        throw new LakeException(ErrorCode.UNAUTHENTICATED, "this token isn't known");
    }

    @Override
    public List<ApiKey> keys() {
        return List.of(KEY);
    }

    @Override
    public LakeAccess.NewKey createKey(
            Set<String> roles, Optional<String> user, Optional<Duration> time, Principal by) {
        if (failure != null) {
            throw failure;
        }
        created = "%s %s %s by %s".formatted(new TreeSet<>(roles), user, time, by.name());
        return new LakeAccess.NewKey(KEY, "tonle_secret");
    }

    @Override
    public void revokeKey(String id) {
        if (!id.equals(KEY.id())) {
            throw new LakeException(ErrorCode.NOT_FOUND, "no key " + id);
        }
    }

    @Override
    public PolicyReport check(String sql, String name, Set<String> roles, Principal asker) {
        if (failure != null) {
            throw failure;
        }
        return new PolicyReport(
                new Principal(name, roles, Map.of("region", "EU")),
                List.of(
                        new PolicyReport.Table(
                                "silver.events",
                                List.of("id"),
                                List.of(new Policies.Granted("r", Optional.of("id"), "p.yaml:1:1")),
                                List.of(),
                                List.of())),
                Optional.of("[{\"id\":1}]"),
                Optional.empty());
    }

    @Override
    public Optional<SourceDefinition> source(String name) {
        SourceDefinition events = SourceDefinition.named("events");
        return switch (name) {
            case "events", "slow" -> Optional.of(events);
            case "tiny" -> Optional.of(ofKind("tiny", new SourceKind.Http(1024)));
            case "drops" ->
                    Optional.of(
                            ofKind(
                                    "drops",
                                    new SourceKind.Files(
                                            new FileLocation.Folder(Path.of("/nowhere")),
                                            SourceKind.Files.DEFAULT_PATTERN,
                                            Optional.empty(),
                                            SourceKind.Files.DEFAULT_SETTLE)));
            default -> Optional.empty();
        };
    }

    private static SourceDefinition ofKind(String name, SourceKind kind) {
        SourceDefinition plain = SourceDefinition.named(name);
        return new SourceDefinition(
                name,
                plain.place(),
                plain.idField(),
                plain.eventTimeField(),
                plain.keyField(),
                plain.columns(),
                plain.partitions(),
                plain.retention(),
                kind);
    }

    @Override
    public IngestReceipt ingest(
            String source,
            byte[] body,
            String contentType,
            Optional<String> idempotencyKey,
            Map<String, String> headers) {
        if (failure != null) {
            throw failure;
        }
        String text = new String(body, StandardCharsets.UTF_8);
        if (text.contains("wait")) {
            await();
        }
        last = new Ingested(source, text, contentType, idempotencyKey.orElse(null), headers);
        return new IngestReceipt((int) text.lines().count(), "tonle.t." + source, 3, 42, false);
    }

    private void await() {
        inside.countDown();
        try {
            letGo.await();
        } catch (InterruptedException e) {
            cancelled.countDown();
            throw new LakeException(ErrorCode.CANCELLED, "cancelled", e);
        }
    }

    @Override
    public void answer(Question question, Answer.Receiver receiver) {
        asked = question;
        if (failure != null) {
            throw failure;
        }
        String sql = question.sql();
        Answer answer = new Answer("q-1", 7, Optional.of("tag"));
        if (sql.equals("wait")) {
            await();
        }
        if (question.known().contains("tag")) {
            receiver.unchanged(answer);
        } else if (sql.startsWith("rows ")) {
            rows(receiver.stream(answer), Long.parseLong(sql.substring(5)));
        } else if (sql.startsWith("fail after ")) {
            rows(receiver.stream(answer), Long.parseLong(sql.substring(11)));
            throw new LakeException(ErrorCode.INVALID_VALUE, "row is bad");
        } else {
            byte[] body = (question.format() + " of " + sql).getBytes(StandardCharsets.UTF_8);
            receiver.whole(answer, body, body.length);
        }
    }

    private void rows(OutputStream out, long count) {
        byte[] row = "{\"a\":1}\n".getBytes(StandardCharsets.UTF_8);
        try {
            for (long i = 0; i < count; i++) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new IOException("interrupted");
                }
                out.write(row);
            }
        } catch (IOException e) {
            cancelled.countDown();
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public List<ActiveQuery> queries(Principal principal) {
        return List.of(new ActiveQuery("q-1", "ada", "SELECT 1", Instant.EPOCH));
    }

    @Override
    public void cancel(String query, Principal principal) {
        if (!query.equals("q-1")) {
            throw new LakeException(ErrorCode.NOT_FOUND, "there is no query " + query);
        }
        cancelled.countDown();
    }

    @Override
    public ColumnLineage lineage(String column, Principal principal) {
        return new ColumnLineage(
                column,
                List.of(
                        new ColumnLineage.Step(
                                "bronze.events.a", ColumnLineage.Via.VALUE, List.of())),
                List.of(
                        new ColumnLineage.Step(
                                "gold.of_" + principal.name(), ColumnLineage.Via.ROWS, List.of())));
    }

    @Override
    public String refusedByRule(Principal principal) {
        return "[]";
    }

    @Override
    public String refused(String dataset, Optional<String> where, int limit, Principal principal) {
        return "[{\"dataset\":\"%s\",\"where\":\"%s\",\"limit\":%d}]"
                .formatted(dataset, where.orElse(""), limit);
    }

    private void failIfScripted() {
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public LakeQuarantine.Judged replay(
            String dataset, Optional<String> where, Optional<String> fix, Principal principal) {
        failIfScripted();
        return new LakeQuarantine.Judged(dataset, OptionalLong.of(42), 3, 1, 2, 0, 0);
    }

    @Override
    public LakeQuarantine.Refresh refresh(
            String dataset, Optional<Instant> from, boolean downstream, Principal principal) {
        failIfScripted();
        return new LakeQuarantine.Refresh(
                List.of(new LakeQuarantine.Judged(dataset, OptionalLong.of(43), 3, 2, 1, 0, 0)),
                from.map(time ->
                                List.of(
                                        new LakeQuarantine.Following(
                                                "silver.later", "asked from " + time)))
                        .orElse(List.of()),
                downstream ? List.of() : List.of("silver.copy"));
    }

    @Override
    public List<TableStatus> tables() {
        if (failure != null) {
            throw failure;
        }
        return List.of(
                new TableStatus(
                        new TableName("bronze", "events"),
                        "source",
                        State.RUNNING,
                        Optional.empty(),
                        10,
                        2,
                        5,
                        7,
                        Optional.of(new TableStatus.Retention(Duration.ofHours(1), true)),
                        0,
                        List.of(),
                        true),
                new TableStatus(
                        new TableName("silver", "events"),
                        "streaming table",
                        State.FAILING,
                        Optional.of("no such column"),
                        9,
                        1,
                        4,
                        1,
                        Optional.empty(),
                        3,
                        List.of(new TableStatus.Expectation("positive", "drop", 9, 3)),
                        true));
    }

    /** Everybody sees that the second one is there. */
    @Override
    public List<TableStatus> tables(Principal principal) {
        return principal.isAdmin()
                ? tables()
                : List.of(
                        new TableStatus(
                                new TableName("silver", "events"),
                                "streaming table",
                                State.RUNNING,
                                Optional.empty(),
                                0,
                                0,
                                4,
                                1,
                                Optional.empty(),
                                0,
                                List.of(),
                                false));
    }

    @Override
    public List<SourceReport> sources() {
        return List.of(
                source(SourceStatus.State.RUNNING, Optional.empty()),
                new SourceReport(
                        "shop",
                        "postgres",
                        SourceStatus.State.RETRYING,
                        Optional.of("no server answers"),
                        Optional.of(Instant.parse("2026-01-01T00:00:00Z")),
                        Optional.empty(),
                        7,
                        Duration.ofSeconds(40),
                        new SourceStatus.Counts(10, 200, 3, 4),
                        1,
                        Optional.of(Instant.parse("2026-01-01T00:00:01Z")),
                        OptionalLong.of(5_000_000_000L),
                        Optional.of(new TableStatus.Retention(Duration.ofHours(1), true))));
    }

    private static SourceReport source(SourceStatus.State state, Optional<String> pausedBy) {
        return new SourceReport(
                "events",
                "http",
                state,
                pausedBy.map(by -> "paused by " + by),
                pausedBy.map(by -> Instant.parse("2026-01-01T00:00:00Z")),
                pausedBy,
                0,
                Duration.ZERO,
                new SourceStatus.Counts(0, 0, 0, 0),
                0,
                Optional.empty(),
                OptionalLong.empty(),
                Optional.empty());
    }

    @Override
    public List<SourceReport> sources(Principal principal) {
        return sources();
    }

    @Override
    public int keepFiles(String prefix, boolean kept) {
        return kept ? 2 : 1;
    }

    @Override
    public SourceReport pause(String source, Principal by) {
        return operated(source, SourceStatus.State.PAUSED, Optional.of(by.name()));
    }

    @Override
    public SourceReport resume(String source, Principal by) {
        return operated(source, SourceStatus.State.RUNNING, Optional.empty());
    }

    private SourceReport operated(
            String source, SourceStatus.State state, Optional<String> pausedBy) {
        if (failure != null) {
            throw failure;
        }
        if (!source.equals("events")) {
            throw new LakeException(ErrorCode.NOT_FOUND, "no source " + source);
        }
        return source(state, pausedBy);
    }

    @Override
    public AnswerCounts answers() {
        return new AnswerCounts(3, 2, 1);
    }

    @Override
    public Optional<LineageEvents> lineageEvents() {
        return Optional.of(new LineageEvents(5, 2, 1));
    }

    @Override
    public Optional<CacheCounts> cache() {
        return Optional.of(new CacheCounts(30, 10, 4096, 2048, 8192));
    }

    @Override
    public IcebergClient iceberg(Principal principal, Optional<IcebergClient.Key> key) {
        throw failure != null ? failure : new LakeException(ErrorCode.NOT_FOUND, "no tables here");
    }

    @Override
    public Optional<String> notReady() {
        return notReady;
    }
}
