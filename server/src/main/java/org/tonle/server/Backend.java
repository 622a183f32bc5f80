package org.tonle.server;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tonle.definition.SourceDefinition;
import org.tonle.ingest.IngestReceipt;
import org.tonle.lake.CacheCounts;
import org.tonle.lake.IcebergClient;
import org.tonle.lake.Lake;
import org.tonle.lake.LakeAccess;
import org.tonle.lake.LakeQuarantine;
import org.tonle.lake.LineageEvents;
import org.tonle.lake.PolicyReport;
import org.tonle.lake.SourceReport;
import org.tonle.lake.TableStatus;
import org.tonle.query.ActiveQuery;
import org.tonle.query.Answer;
import org.tonle.query.AnswerCounts;
import org.tonle.query.ColumnLineage;
import org.tonle.query.Question;
import org.tonle.spi.ApiKey;
import org.tonle.spi.Principal;

/**
 * What the doors ask of a lake. Every call may block and is made on a virtual thread; errors are
 * {@link org.tonle.spi.LakeException}s.
 */
public interface Backend {
    /** A lake that runs in this process. */
    static Backend of(Lake lake) {
        return new RunningLake(lake);
    }

    /**
     * Whoever holds a token; UNAUTHENTICATED if nobody does. Doesn't block: it is asked on the
     * threads that move bytes.
     */
    Principal authenticate(String token);

    /** The API keys that are taken now, the oldest first. */
    List<ApiKey> keys();

    /** Makes an API key; see {@link LakeAccess#createKey}. */
    LakeAccess.NewKey createKey(
            Set<String> roles, Optional<String> user, Optional<Duration> time, Principal by);

    /** Ends an API key; NOT_FOUND if there is none of this id. */
    void revokeKey(String id);

    /** What somebody would see of a statement; see {@link LakeAccess#check}. */
    PolicyReport check(String sql, String name, Set<String> roles, Principal asker);

    /** The source of that name. */
    Optional<SourceDefinition> source(String name);

    /** Makes a request's events durable; returns when they are. */
    IngestReceipt ingest(
            String source,
            byte[] body,
            String contentType,
            Optional<String> idempotencyKey,
            Map<String, String> headers);

    /** Answers a question. Interrupting the calling thread cancels it. */
    void answer(Question question, Answer.Receiver receiver);

    /** The queries that wait or run, of those that a principal may cancel. */
    List<ActiveQuery> queries(Principal principal);

    /** Makes a query end soon; NOT_FOUND if the principal has none of that name. */
    void cancel(String query, Principal principal);

    /** Where a column comes from and what comes of it; see {@link Lake#lineage}. */
    ColumnLineage lineage(String column, Principal principal);

    /** What datasets refused, by rule; see {@link LakeQuarantine#rules}. */
    String refusedByRule(Principal principal);

    /** Rows that a dataset refused; see {@link LakeQuarantine#rows}. */
    String refused(String dataset, Optional<String> where, int limit, Principal principal);

    /** Judges rows again that a dataset refused; see {@link LakeQuarantine#replay}. */
    LakeQuarantine.Judged replay(
            String dataset, Optional<String> where, Optional<String> fix, Principal principal);

    /** Computes a dataset anew; see {@link LakeQuarantine#refresh}. */
    LakeQuarantine.Refresh refresh(
            String dataset, Optional<Instant> from, boolean downstream, Principal principal);

    /** In the order of the data. */
    List<TableStatus> tables();

    /** Those that a principal sees, as far as it does. */
    List<TableStatus> tables(Principal principal);

    /** How every source is doing at this process. */
    List<SourceReport> sources();

    /** The same, as far as a principal who operates the lake may know. */
    List<SourceReport> sources(Principal principal);

    /** Takes nothing from a source until it is resumed; see {@link Lake#pause}. */
    SourceReport pause(String source, Principal by);

    /** Lets a source go on, or begin anew; see {@link Lake#resume}. */
    SourceReport resume(String source, Principal by);

    /** Keeps files that are to go, or lets them go; see {@link Lake#keepFiles}. */
    int keepFiles(String prefix, boolean kept);

    /** Where answers came from since the lake was opened. */
    AnswerCounts answers();

    /** What became of the events about runs; see {@link Lake#lineageEvents}. */
    Optional<LineageEvents> lineageEvents();

    /** How the copies of a bucket's files fare; see {@link Lake#cache}. */
    Optional<CacheCounts> cache();

    /** What a request of an Iceberg client may see and do; see {@link Lake#iceberg}. */
    IcebergClient iceberg(Principal principal, Optional<IcebergClient.Key> key);

    /** Why the lake can't take requests now; empty if it can. */
    Optional<String> notReady();
}
