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

/** A lake of this process behind the doors. */
final class RunningLake implements Backend {
    private final Lake lake;

    RunningLake(Lake lake) {
        this.lake = lake;
    }

    @Override
    public Principal authenticate(String token) {
        return lake.access().authenticate(token);
    }

    @Override
    public List<ApiKey> keys() {
        return lake.access().keys();
    }

    @Override
    public LakeAccess.NewKey createKey(
            Set<String> roles, Optional<String> user, Optional<Duration> time, Principal by) {
        return lake.access().createKey(roles, user, time, by);
    }

    @Override
    public void revokeKey(String id) {
        lake.access().revokeKey(id);
    }

    @Override
    public PolicyReport check(String sql, String name, Set<String> roles, Principal asker) {
        return lake.access().check(sql, name, roles, asker);
    }

    @Override
    public Optional<SourceDefinition> source(String name) {
        return lake.definition().source(name);
    }

    @Override
    public IngestReceipt ingest(
            String source,
            byte[] body,
            String contentType,
            Optional<String> idempotencyKey,
            Map<String, String> headers) {
        return lake.ingest(source, body, contentType, idempotencyKey, headers);
    }

    @Override
    public void answer(Question question, Answer.Receiver receiver) {
        lake.answer(question, receiver);
    }

    @Override
    public List<ActiveQuery> queries(Principal principal) {
        return lake.queries().active(principal);
    }

    @Override
    public void cancel(String query, Principal principal) {
        lake.queries().cancel(query, principal);
    }

    @Override
    public ColumnLineage lineage(String column, Principal principal) {
        return lake.lineage(column, principal);
    }

    @Override
    public String refusedByRule(Principal principal) {
        return lake.quarantine().rules(principal);
    }

    @Override
    public String refused(String dataset, Optional<String> where, int limit, Principal principal) {
        return lake.quarantine().rows(dataset, where, limit, principal);
    }

    @Override
    public LakeQuarantine.Judged replay(
            String dataset, Optional<String> where, Optional<String> fix, Principal principal) {
        return lake.quarantine().replay(dataset, where, fix, principal);
    }

    @Override
    public LakeQuarantine.Refresh refresh(
            String dataset, Optional<Instant> from, boolean downstream, Principal principal) {
        return lake.quarantine().refresh(dataset, from, downstream, principal);
    }

    @Override
    public List<TableStatus> tables() {
        return lake.tables();
    }

    @Override
    public List<TableStatus> tables(Principal principal) {
        return lake.access().tables(principal);
    }

    @Override
    public List<SourceReport> sources() {
        return lake.sources();
    }

    @Override
    public List<SourceReport> sources(Principal principal) {
        return lake.access().sources(principal);
    }

    @Override
    public int keepFiles(String prefix, boolean kept) {
        return lake.keepFiles(prefix, kept);
    }

    @Override
    public SourceReport pause(String source, Principal by) {
        return lake.pause(source, by);
    }

    @Override
    public SourceReport resume(String source, Principal by) {
        return lake.resume(source, by);
    }

    @Override
    public AnswerCounts answers() {
        return lake.queries().answers();
    }

    @Override
    public Optional<LineageEvents> lineageEvents() {
        return lake.lineageEvents();
    }

    @Override
    public Optional<CacheCounts> cache() {
        return lake.cache();
    }

    @Override
    public IcebergClient iceberg(Principal principal, Optional<IcebergClient.Key> key) {
        return lake.iceberg(principal, key);
    }

    @Override
    public Optional<String> notReady() {
        return lake.notReady();
    }
}
