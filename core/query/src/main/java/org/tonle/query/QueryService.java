package org.tonle.query;

import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.Supplier;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.definition.SourceDefinition;
import org.tonle.query.Flights.Outcome;
import org.tonle.query.QuerySettings.Limits;
import org.tonle.query.Statements.Bound;
import org.tonle.spi.Cache;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;

/**
 * Runs SELECTs over branch {@code main}. Thread-safe.
 *
 * <p>The newest state is one in which no commit is missing that this process made before the
 * question, nor any that another made more than a quarter of a second before it.
 */
public final class QueryService {
    /** How late a commit of another process may be noticed. */
    static final Duration NOTICED = Duration.ofMillis(250);

    /** Binding is short; a few at once suffice, and their stacks are deep. */
    private static final int BINDING = Math.max(2, Runtime.getRuntime().availableProcessors());

    private final LakeCatalog catalog;
    private final Audit audit;
    private final Cache cache;
    private final QuerySettings settings;
    private final Statements statements;
    private final Flights flights = new Flights();
    private final Execution execution;
    private final FairTurns binding;
    private final LongAdder run = new LongAdder();
    private final LongAdder kept = new LongAdder();
    private final LongAdder unchanged = new LongAdder();

    /**
     * @param sources what bronze tables show are the columns they declare
     * @param policies what a principal sees; the same for the same principal at each call
     * @param audit takes in every statement
     */
    public QueryService(
            LakeCatalog catalog,
            List<SourceDefinition> sources,
            Function<Principal, AccessPolicy> policies,
            SystemTables system,
            Audit audit,
            SqlEngine engine,
            Cache cache,
            QuerySettings settings) {
        this.catalog = catalog;
        this.cache = cache;
        this.settings = settings;
        this.audit = audit;
        this.statements = new Statements(sources, policies, system, engine);
        this.execution = new Execution(engine, settings);
        this.binding = new FairTurns(BINDING, settings.waiting(), 0);
    }

    /**
     * Starts a query, always anew. Interrupting the caller cancels it. Close what comes back.
     *
     * @throws LakeException INVALID_SQL, UNSUPPORTED_SQL, NOT_FOUND (a commit that isn't there
     *     yet), OVERLOADED, TIMEOUT (the commit demanded didn't come), and what an engine throws
     */
    public RunningQuery run(String sql, Principal principal, ReadPoint at) {
        return run(sql, principal, at, audit.begin(sql, principal));
    }

    /**
     * The same of the newest state, asked by somebody who wants to know what another would see; the
     * audit says so.
     */
    public RunningQuery runAs(String sql, Principal principal, Principal asker) {
        String said = "-- as " + principal.name().replaceAll("\\p{Cntrl}", " ") + "\n" + sql;
        return run(sql, principal, ReadPoint.NEWEST, audit.begin(said, asker));
    }

    /** What a principal sees, of system tables too. */
    public AccessPolicy policy(Principal principal) {
        return statements.policy(principal);
    }

    /**
     * The tables that a statement names, whoever sees them.
     *
     * @throws LakeException what makes the statement impossible for everybody
     */
    public List<SqlTable> tables(String sql) {
        return statements.tables(sql, catalog.pin());
    }

    /**
     * Does other work than a query's, which the audit takes in like one.
     *
     * @param said what is to be done, for a person
     * @throws LakeException OVERLOADED, STORAGE or NOT_READY if the audit can't take it now; what
     *     the work throws
     */
    public <T> T audited(String said, Principal principal, Supplier<T> work) {
        AuditEntry entry = audit.begin(said, principal);
        return audited(
                entry,
                () -> {
                    T done = work.get();
                    entry.finished(0);
                    return done;
                });
    }

    private RunningQuery run(String sql, Principal principal, ReadPoint at, AuditEntry entry) {
        Question question = new Question(sql, principal, at, RowFormat.JSON, Set.of());
        try (AuditEntry.Work work = entry.work()) {
            return audited(
                    entry,
                    () -> {
                        Pin pin = pin(at);
                        entry.pinned(pin.seq());
                        Bound bound = bound(question, pin, entry);
                        RunningQuery rows =
                                execution.start(bound, pin, question.principal(), entry);
                        work.goesOn(rows::cancel);
                        return rows;
                    });
        }
    }

    /**
     * Answers a question: from what is kept if the tables it reads are as they were then, together
     * with others who ask the same now, or else by running it. Interrupting the caller cancels it,
     * for itself alone.
     *
     * @throws LakeException as {@link #run}; after the first byte went to the receiver's stream,
     *     the answer isn't whole
     * @throws java.io.UncheckedIOException if the receiver's stream takes no more
     */
    public void answer(Question question, Answer.Receiver receiver) {
        AuditEntry entry = audit.begin(question.sql(), question.principal());
        try (AuditEntry.Work work = entry.work()) {
            audited(
                    entry,
                    () -> {
                        Pin pin = pin(question.at());
                        entry.pinned(pin.seq());
                        Bound bound = bound(question, pin, entry);
                        Optional<String> key =
                                cache.largest() == 0
                                        ? Optional.empty()
                                        : bound.key(question.format(), limits(question));
                        Answer answer = new Answer(entry.id().toString(), pin.seq(), key);
                        if (key.isEmpty()) {
                            stream(question, pin, bound, answer, receiver, entry);
                        } else if (question.known().contains(key.get())) {
                            unchanged.increment();
                            receiver.unchanged(answer);
                            entry.finished(0);
                        } else {
                            kept(question, pin, bound, answer, key.get(), receiver, entry);
                        }
                        return work;
                    });
        }
    }

    /** Where the answers to {@link #answer} came from. */
    public AnswerCounts answers() {
        return new AnswerCounts(run.sum(), kept.sum(), unchanged.sum());
    }

    /** The queries that a principal may cancel, its own or for an administrator all. */
    public List<ActiveQuery> active(Principal principal) {
        return audit.running()
                .filter(entry -> entry.mayBeCancelledBy(principal))
                .map(entry ->
                        new ActiveQuery(
                                entry.id().toString(),
                                entry.principal(),
                                entry.statement(),
                                entry.started()))
                .toList();
    }

    /**
     * Makes a query end soon with CANCELLED.
     *
     * @throws LakeException NOT_FOUND if it has ended, or is somebody else's
     */
    public void cancel(String id, Principal principal) {
        running(id)
                .filter(entry -> entry.mayBeCancelledBy(principal))
                .orElseThrow(() ->
                        new LakeException(
                                ErrorCode.NOT_FOUND,
                                "No query of yours that waits or runs is called "
                                        + id
                                        + "; it may have ended"))
                .cancel();
    }

    private Optional<AuditEntry> running(String id) {
        try {
            return audit.running(UUID.fromString(id));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private void kept(
            Question question,
            Pin pin,
            Bound bound,
            Answer answer,
            String key,
            Answer.Receiver receiver,
            AuditEntry entry) {
        while (true) {
            Optional<KeptAnswer> known = cache.get(key).map(KeptAnswer::new);
            if (known.isPresent()) {
                kept.increment();
                send(known.get(), answer, receiver, entry);
                return;
            }
            Flights.Flight flight =
                    flights.of(
                            new Flights.Key(
                                    key,
                                    bound.query().isGuarded(),
                                    limits(question).memoryBytes()));
            if (flight.isMine()) {
                lead(question, pin, bound, answer, flight, receiver, entry);
                return;
            }
            switch (flight.await(limits(question).timeout())) {
                case Outcome.Whole whole -> {
                    kept.increment();
                    send(whole.answer(), answer, receiver, entry);
                    return;
                }
                case Outcome.TooLarge() -> {
                    stream(question, pin, bound, answer, receiver, entry);
                    return;
                }
                case Outcome.Failed(LakeException why) ->
                        throw new LakeException(why.code(), String.valueOf(why.getMessage()), why);
                case Outcome.Abandoned() -> {}
            }
        }
    }

    private static void send(
            KeptAnswer kept, Answer answer, Answer.Receiver receiver, AuditEntry entry) {
        receiver.whole(answer, kept.value(), kept.length());
        entry.finished(kept.rows());
    }

    private void lead(
            Question question,
            Pin pin,
            Bound bound,
            Answer answer,
            Flights.Flight flight,
            Answer.Receiver receiver,
            AuditEntry entry) {
        String key = answer.etag().orElseThrow();
        AnswerBuffer buffer =
                new AnswerBuffer(
                        KeptAnswer.longest(cache.largest()),
                        () -> {
                            flight.tell(new Outcome.TooLarge());
                            return receiver.stream(answer);
                        });
        try {
            // somebody may have come to an end just before this flight began
            Optional<KeptAnswer> known = cache.get(key).map(KeptAnswer::new);
            if (known.isPresent()) {
                kept.increment();
                flight.tell(new Outcome.Whole(known.get()));
                flight.close();
                send(known.get(), answer, receiver, entry);
                return;
            }
            long rows = fill(buffer, question, pin, bound, entry);
            if (buffer.isWhole()) {
                KeptAnswer whole = KeptAnswer.of(buffer.bytes(), rows);
                cache.put(key, whole.value());
                flight.tell(new Outcome.Whole(whole));
                flight.close();
                send(whole, answer, receiver, entry);
            }
        } catch (LakeException e) {
            if (!Thread.currentThread().isInterrupted()) {
                flight.tell(e);
            }
            throw e;
        } finally {
            flight.close();
        }
    }

    private void stream(
            Question question,
            Pin pin,
            Bound bound,
            Answer answer,
            Answer.Receiver receiver,
            AuditEntry entry) {
        AnswerBuffer buffer = new AnswerBuffer(0, () -> receiver.stream(answer));
        fill(buffer, question, pin, bound, entry);
        if (buffer.isWhole()) {
            receiver.whole(answer, new byte[0], 0);
        }
    }

    private long fill(OutputStream out, Question question, Pin pin, Bound bound, AuditEntry entry) {
        run.increment();
        try (RunningQuery rows = execution.start(bound, pin, question.principal(), entry)) {
            return rows.writeTo(out, question.format());
        }
    }

    private Bound bound(Question question, Pin pin, AuditEntry entry) {
        if (question.sql().isBlank()) {
            throw new LakeException(ErrorCode.INVALID_SQL, "The statement is empty; send a SELECT");
        }
        Bound bound = statements.known(question, pin).orElseGet(() -> bind(question, pin));
        if (question.at() instanceof ReadPoint.AsOf && bound.query().isGuardedByOthers()) {
            bound.close();
            throw new LakeException(
                    ErrorCode.UNSUPPORTED_SQL,
                    "Who sees what of these tables is looked up in others, which are to be read as"
                            + " they are now; ask with FOR SYSTEM_TIME AS OF in the statement");
        }
        entry.reads(bound.reads());
        return bound;
    }

    private Bound bind(Question question, Pin pin) {
        FairTurns.Turn turn =
                binding.take(question.principal().name(), BINDING - 1, 0, settings.queueTime());
        try {
            return statements.bind(question, pin, new QueryLimits(limits(question).timeout()));
        } finally {
            turn.close();
        }
    }

    private Limits limits(Question question) {
        return settings.of(question.principal());
    }

    /** Whatever becomes of the work is in the audit. */
    private static <T> T audited(AuditEntry entry, Supplier<T> work) {
        try {
            return work.get();
        } catch (LakeException e) {
            // whoever was asked when the interrupt came has its own word for it
            LakeException error =
                    Thread.currentThread().isInterrupted() && e.code() != ErrorCode.CANCELLED
                            ? new LakeException(ErrorCode.CANCELLED, "The query was cancelled", e)
                            : e;
            entry.failed(error, 0);
            throw error;
        } catch (UncheckedIOException e) {
            entry.left(0);
            throw e;
        } catch (RuntimeException | Error e) {
            entry.failed(e, 0);
            throw e;
        }
    }

    private Pin pin(ReadPoint at) {
        return switch (at) {
            case ReadPoint.Newest() -> catalog.pin(NOTICED);
            case ReadPoint.AsOf(long seq) -> {
                if (seq < 0 || seq > catalog.ledger().head(NOTICED)) {
                    long newest = catalog.ledger().head();
                    if (seq < 0 || seq > newest) {
                        throw new LakeException(
                                ErrorCode.NOT_FOUND,
                                "There is no commit " + seq + "; the newest is " + newest);
                    }
                }
                yield catalog.pinAsOf(seq);
            }
            case ReadPoint.AtLeast(long seq) -> {
                if (catalog.ledger().head(NOTICED) < seq) {
                    await(seq);
                }
                yield catalog.pin(NOTICED);
            }
        };
    }

    private void await(long seq) {
        try {
            long newest = catalog.ledger().awaitHeadBeyond(seq - 1, settings.queueTime());
            if (newest < seq) {
                throw new LakeException(
                        ErrorCode.TIMEOUT,
                        "Commit "
                                + seq
                                + " didn't come within "
                                + settings.queueTime()
                                + "; the newest is "
                                + newest);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LakeException(ErrorCode.CANCELLED, "Interrupted before the query began", e);
        }
    }
}
