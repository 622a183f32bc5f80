package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.query.RowFormat;
import org.tonle.query.RunningQuery;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/** Who may do what with a whole lake. */
class LakeSecurityIT {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir private static Path folder;
    private static Lake lake;

    private interface Condition {
        boolean holds() throws Exception;
    }

    @BeforeAll
    static void open() throws Exception {
        write(
                "lake.yaml",
                """
                name: test
                ingest: {commit-interval: 200ms}
                refresh-interval: 100ms
                query: {roles: {analyst: {memory: 64MB}}}
                """);
        write(
                "sources/people.yaml",
                """
                kind: http
                columns: {name: string, region: string, ssn: string}
                """);
        write(
                "pipelines/p.sql",
                """
                CREATE STREAMING TABLE silver.people AS
                SELECT event_id AS id, name, region, ssn FROM STREAM bronze.people;
                CREATE MATERIALIZED VIEW gold.regions AS
                SELECT region, COUNT(*) AS n FROM silver.people GROUP BY region;
                """);
        write(
                "policies/p.yaml",
                """
                roles:
                  analyst:
                    read: [{table: silver.people, columns: [name, region, ssn]}]
                users:
                  anna: {roles: [analyst, data_viewer], attributes: {region: EU}}
                  bob: {roles: [analyst]}
                row-filters:
                  - {table: silver.people, where: region = principal_attribute('region'), except: [data_engineer]}
                masks:
                  - {column: silver.people.ssn, value: "'***'", except: [data_engineer]}
                """);
        lake = Lake.open(folder, LakeOptions.ofProcess());
        lake.ingest(
                "people",
                """
                [{"name":"Ada","region":"EU","ssn":"111"},{"name":"Bob","region":"US","ssn":"two"}]
                """
                        .getBytes(StandardCharsets.UTF_8),
                "application/json",
                Optional.empty(),
                Map.of());
        await(() -> rows("SELECT n FROM gold.regions", Principal.LAKE).lines().count() == 2);
    }

    private static void write(String file, String text) throws IOException {
        Files.createDirectories(folder.resolve(file).resolveSibling("."));
        Files.writeString(folder.resolve(file), text);
    }

    private static void await(Condition condition) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("not in time").isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    @AfterAll
    static void close() {
        lake.close();
    }

    private static String rows(String sql, Principal principal) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (RunningQuery query = lake.query(sql, principal)) {
            query.writeTo(out, RowFormat.NDJSON);
        } catch (LakeException e) {
            if (e.code() == ErrorCode.INVALID_SQL && principal.equals(Principal.LAKE)) {
                return "";
            }
            throw e;
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    private static String key(Set<String> roles, String user) {
        return lake.access()
                .createKey(roles, Optional.ofNullable(user), Optional.empty(), Principal.LAKE)
                .token();
    }

    private static boolean isKnown(String token) {
        try {
            lake.access().authenticate(token);
            return true;
        } catch (LakeException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.UNAUTHENTICATED);
            return false;
        }
    }

    private static String mode(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Test
    void nobodyElseOnTheMachineGetsAtTheStateOrAtASecretInIt() throws IOException {
        Path state = folder.resolve(".tonle");
        assertThat(mode(state)).isEqualTo("rwx------");
        assertThat(mode(state.resolve("admin-token"))).isEqualTo("rw-------");
        assertThat(mode(state.resolve("kafka"))).isEqualTo("rwx------");
        assertThat(mode(state.resolve("postgres"))).isEqualTo("rwx------");
        try (Stream<Path> files = Files.walk(state)) {
            List<Path> secrets =
                    files.filter(file -> file.getFileName().toString().equals("password")).toList();
            assertThat(secrets).hasSize(2);
            for (Path secret : secrets) {
                assertThat(mode(secret)).as("%s", secret).isEqualTo("rw-------");
            }
        }
    }

    @Test
    void theTokenOfTheFolderIsTheAdminsAndHas256RandomBits() throws IOException {
        String token = Files.readString(folder.resolve(".tonle/admin-token"));

        assertThat(token).matches("[0-9a-f]{64}");
        assertThat(lake.access().authenticate(token).isAdmin()).isTrue();
        assertThat(isKnown(token.substring(1))).isFalse();
        assertThat(isKnown(token + "0")).isFalse();
        assertThat(isKnown("")).isFalse();
    }

    @Test
    void aKeyHoldsUntilItIsRevokedHereOrByAnotherProcess() throws Exception {
        String token = key(Set.of("data_viewer"), null);
        String id = lake.access().keys().getLast().id();
        assertThat(token).matches("tonle_[A-Za-z0-9_-]{43}");
        assertThat(lake.access().authenticate(token))
                .isEqualTo(new Principal("key " + id, Set.of("data_viewer"), Map.of()));

        lake.access().revokeKey(id);
        assertThat(isKnown(token)).isFalse();
        assertThat(lake.access().keys()).noneMatch(key -> key.id().equals(id));
        assertThatThrownBy(() -> lake.access().revokeKey(id))
                .hasMessageContaining("no API key " + id);

        String second = key(Set.of("ingest"), null);
        assertThat(lake.catalog().ledger().apiKeys().revoke(lake.access().keys().getLast().id()))
                .isTrue();
        long until = System.nanoTime() + Duration.ofSeconds(5).toNanos();
        boolean late;
        boolean known;
        do {
            TimeUnit.MILLISECONDS.sleep(50);
            late = System.nanoTime() - until > 0;
            known = isKnown(second);
        } while (known && !late);
        assertThat(known).as("what is asked 5 seconds later is refused").isFalse();
    }

    @Test
    void aKeyExpires() throws Exception {
        Duration life = Duration.ofMillis(1500);
        long made = System.nanoTime();
        String token =
                lake.access()
                        .createKey(
                                Set.of("ingest"),
                                Optional.empty(),
                                Optional.of(life),
                                Principal.LAKE)
                        .token();
        boolean known = isKnown(token);
        boolean over = System.nanoTime() - made >= life.toNanos();
        assertThat(known || over).isTrue();
        await(() -> !isKnown(token));
    }

    @Test
    void aKeyCantHaveMoreThanThereIs() {
        assertThatThrownBy(() -> key(Set.of("analyst", "nosuch"), null))
                .hasMessageContaining("no role nosuch; there are admin, analyst");
        assertThatThrownBy(() -> key(Set.of(), "nobody")).hasMessageContaining("no user nobody");
        assertThatThrownBy(() -> key(Set.of("data_engineer"), "anna"))
                .hasMessageContaining("anna has the roles analyst, data_viewer only");
        assertThatThrownBy(() -> key(Set.of(), null)).hasMessageContaining("needs a role");
    }

    @Test
    void whatIsSeenIsWhatRolesAndAttributesOfTheHolderSay() {
        Principal anna = lake.access().authenticate(key(Set.of(), "anna"));
        Principal bob = lake.access().authenticate(key(Set.of(), "bob"));
        Principal engineer = lake.access().authenticate(key(Set.of("data_engineer"), null));
        String all = "SELECT * FROM silver.people ORDER BY name";

        assertThat(rows(all, anna))
                .isEqualTo("{\"name\":\"Ada\",\"region\":\"EU\",\"ssn\":\"***\"}\n");
        assertThat(rows(all, bob)).isEmpty();
        assertThat(rows("SELECT COUNT(*) AS n FROM silver.people WHERE ssn = '111'", anna))
                .isEqualTo("{\"n\":0}\n");
        assertThat(rows("SELECT name, ssn FROM silver.people ORDER BY name", engineer))
                .isEqualTo(
                        "{\"name\":\"Ada\",\"ssn\":\"111\"}\n{\"name\":\"Bob\",\"ssn\":\"two\"}\n");
        for (String hidden : List.of("bronze.people", "quarantine.silver_people", "gold.regions")) {
            assertThatThrownBy(() -> rows("SELECT * FROM " + hidden, bob))
                    .hasMessageContaining("there is no table " + hidden)
                    .hasMessageNotContaining("is it");
        }
        assertThat(lake.access().tables(anna))
                .extracting(table -> table.name() + " " + table.whole())
                .containsExactly("silver.people false", "gold.regions true");
        assertThat(lake.access().tables(bob))
                .allMatch(table -> table.rows() == 0 && !table.whole());
        assertThat(lake.access().tables(lake.access().authenticate(key(Set.of("ingest"), null))))
                .isEmpty();
    }

    @Test
    void anErrorOfAQueryOfWhichSomeIsHiddenSaysNothingOfValues() {
        Principal scientist = new Principal("s", Set.of("data_scientist"), Map.of("region", "US"));
        String cast = "SELECT CAST(%s AS INTEGER) AS x FROM silver.people";

        assertThatThrownBy(() -> rows(cast.formatted("name"), scientist))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_VALUE))
                .hasMessageContaining("hidden from you")
                .hasMessageNotContaining("Bob");
        assertThatThrownBy(() -> rows(cast.formatted("ssn"), Principal.LAKE))
                .hasMessageContaining("two");
    }

    @Test
    void aReportSaysWhatSomebodySeesAndWhy() throws Exception {
        PolicyReport report =
                lake.access()
                        .check("SELECT * FROM silver.people", "anna", Set.of(), Principal.LAKE);

        assertThat(report.principal().attributes()).isEqualTo(Map.of("region", "EU"));
        PolicyReport.Table table = report.tables().getFirst();
        assertThat(table.columns()).containsExactly("name", "region", "ssn");
        assertThat(table.grants())
                .extracting(
                        grant -> grant.role() + " " + grant.column().orElse("") + " " + grant.by())
                .contains("analyst ssn policies/p.yaml:3:20");
        assertThat(table.filters()).hasSize(1);
        assertThat(table.masks()).hasSize(1);
        assertThat(report.rows())
                .contains("[{\"name\":\"Ada\",\"region\":\"EU\",\"ssn\":\"***\"}]\n");
        assertThat(report.refusal()).isEmpty();

        await(() ->
                rows(
                                "SELECT principal, statement FROM system.audit WHERE statement LIKE"
                                        + " '-- as anna%'",
                                Principal.LAKE)
                        .startsWith("{\"principal\":\"" + Principal.LAKE.name() + "\""));

        for (String about :
                List.of(
                        "SELECT * FROM system.commits;",
                        "SHOW TABLES",
                        "EXPLAIN SELECT * FROM system.commits",
                        "DESCRIBE system.commits")) {
            PolicyReport shown =
                    lake.access().check(about, "x", Set.of("data_engineer"), Principal.LAKE);
            assertThat(shown.refusal()).as(about).isEmpty();
            assertThat(shown.tables().getFirst().columns()).as(about).isNotEmpty();
            assertThat(shown.tables().getFirst().grants()).as(about).isNotEmpty();
        }
        PolicyReport hidden =
                lake.access().check("SELECT * FROM system.audit", "anna", Set.of(), Principal.LAKE);
        assertThat(hidden.tables().getFirst().columns()).isEmpty();
        assertThat(hidden.refusal()).isPresent();

        PolicyReport refused =
                lake.access()
                        .check(
                                "SELECT * FROM bronze.people",
                                "x",
                                Set.of("data_viewer"),
                                Principal.LAKE);
        assertThat(refused.tables().getFirst().columns()).isEmpty();
        assertThat(refused.refusal().orElseThrow().code()).isEqualTo(ErrorCode.INVALID_SQL);
        assertThatThrownBy(
                        () -> lake.access().check("SELECT 1", "nobody", Set.of(), Principal.LAKE))
                .hasMessageContaining("no user nobody");
    }

    @Test
    void aRoleWithMemoryOfItsOwnTakesNoMoreAndOthersGoOn() {
        String ten = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";
        String text =
                "SELECT CHAR_LENGTH(LISTAGG(r.s, ',')) AS n FROM (SELECT '%s' AS s FROM %2$s AS a(d), %2$s AS b(d), %2$s AS c(d), %2$s AS d(d), %2$s AS e(d), %2$s AS f(d)) AS r"
                        .formatted("x".repeat(120), ten);
        Principal analyst = new Principal("bob", Set.of("analyst"), Map.of());
        try (RunningQuery other = lake.query("SELECT 1 AS x", Principal.LAKE)) {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> rows(text, analyst))
                        .hasMessageContaining("more memory or temporary space than it may use")
                        .isInstanceOfSatisfying(
                                LakeException.class,
                                e -> assertThat(e.code()).isEqualTo(ErrorCode.OUT_OF_RESOURCES));
            }
            assertThat(rows(text, Principal.LAKE)).isEqualTo("{\"n\":120999999}\n");
            assertThat(other.next()).isTrue();
        }
        assertThat(rows("SELECT 2 AS x", analyst)).isEqualTo("{\"x\":2}\n");
    }
}
