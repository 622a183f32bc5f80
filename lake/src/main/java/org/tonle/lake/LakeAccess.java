package org.tonle.lake;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.tonle.query.RowFormat;
import org.tonle.query.RunningQuery;
import org.tonle.query.SystemTables;
import org.tonle.spi.ApiKey;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Access;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.Policies;
import org.tonle.sql.SqlTable;

/** Who may see and do what with a running lake. Safe for use by many threads. */
public final class LakeAccess {
    private static final int REPORTED_ROWS = 20;

    private final Lake lake;
    private final Policies policies;
    private final Authenticator authenticator;

    LakeAccess(Lake lake, Policies policies, Authenticator authenticator) {
        this.lake = lake;
        this.policies = policies;
        this.authenticator = authenticator;
    }

    /** An API key that was made just now. The only time that the key itself is told. */
    public record NewKey(ApiKey key, String token) {
        @Override
        public String toString() {
            return key.toString();
        }
    }

    /**
     * Whoever holds a token: that of the folder, or an API key. Never waits.
     *
     * @throws LakeException UNAUTHENTICATED if nobody does
     */
    public Principal authenticate(String token) {
        return authenticator.authenticate(token);
    }

    /**
     * Makes an API key.
     *
     * @param roles what it is for; none: all that the user has
     * @param time how long it is taken; empty: until it is revoked
     * @throws LakeException NOT_FOUND for a role or user that isn't known; INVALID_REQUEST for more
     *     than the user has
     */
    public NewKey createKey(
            Set<String> roles, Optional<String> user, Optional<Duration> time, Principal by) {
        return authenticator.create(roles, user, time, by);
    }

    /** The API keys that are taken now, the oldest first. */
    public List<ApiKey> keys() {
        return authenticator.list();
    }

    /**
     * Ends an API key at once; other processes on the same ledger follow within a second.
     *
     * @throws LakeException NOT_FOUND if no live key has this id
     */
    public void revokeKey(String id) {
        authenticator.revoke(id);
    }

    /**
     * Of all tables, those that a principal sees. Of one of which some is hidden no more is told
     * than that it is there and runs: its figures count rows that aren't seen. Why something can't
     * go on is told to those who see everything: it may name a value of any input.
     */
    public List<TableStatus> tables(Principal principal) {
        AccessPolicy policy = policies.of(principal);
        List<TableStatus> all = lake.tables();
        boolean seesAll = seesAll(policy, all);
        return all.stream()
                .flatMap(status ->
                        policy
                                .of(status.name())
                                .map(access ->
                                        access.isRestricted() ? status.withoutFigures() : status)
                                .stream())
                .map(status -> seesAll ? status : status.withoutReason())
                .toList();
    }

    private static boolean seesAll(AccessPolicy policy, List<TableStatus> all) {
        return all.stream()
                .allMatch(status ->
                        policy.of(status.name())
                                .filter(access -> !access.isRestricted())
                                .isPresent());
    }

    /** Of all sources, what a principal who operates the lake sees. */
    public List<SourceReport> sources(Principal principal) {
        List<SourceReport> all = lake.sources();
        return seesAll(policies.of(principal), lake.tables())
                ? all
                : all.stream().map(SourceReport::withoutReason).toList();
    }

    /**
     * What somebody would see of a statement: as a user of the policy, or with these roles.
     *
     * @param asker who wants to know, for the audit
     * @throws LakeException NOT_FOUND if there is no such user and no role is named; what makes the
     *     statement impossible for everybody
     */
    public PolicyReport check(String sql, String name, Set<String> roles, Principal asker) {
        Set<String> held =
                roles.isEmpty()
                        ? policies.rolesOf(name)
                                .orElseThrow(() ->
                                        new LakeException(
                                                ErrorCode.NOT_FOUND,
                                                "There is no user "
                                                        + name
                                                        + " in policies/*.yaml; name a role"))
                        : roles;
        Principal principal = policies.user(name, held).withRoles(held);
        Optional<String> rows = Optional.empty();
        Optional<LakeException> refusal = Optional.empty();
        try (RunningQuery query = lake.queries().runAs(sql, principal, asker)) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            query.writeFirst(out, RowFormat.JSON, REPORTED_ROWS);
            rows = Optional.of(out.toString(StandardCharsets.UTF_8));
        } catch (LakeException e) {
            refusal = Optional.of(e);
        }
        List<PolicyReport.Table> tables =
                lake.queries().tables(sql).stream().map(table -> report(table, principal)).toList();
        return new PolicyReport(principal, tables, rows, refusal);
    }

    private PolicyReport.Table report(SqlTable table, Principal principal) {
        Optional<Access> access = lake.queries().policy(principal).of(table.name().current());
        List<Policies.Granted> grants = policies.grants(principal, table.name());
        if (grants.isEmpty() && access.isPresent()) {
            String role =
                    table.name().namespace().equalsIgnoreCase(SystemTables.INFORMATION_SCHEMA)
                            ? "everybody"
                            : Principal.DATA_ENGINEER;
            grants = List.of(new Policies.Granted(role, Optional.empty(), "built in"));
        }
        return new PolicyReport.Table(
                table.name().toString(),
                access.map(seen -> seen.columnsOf(table)).orElse(List.of()),
                grants,
                policies.filters(principal, table.name()),
                policies.masks(principal, table.name()));
    }
}
