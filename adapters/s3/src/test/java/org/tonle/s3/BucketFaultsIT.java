package org.tonle.s3;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.contracts.FaultyProxy.Fault;
import org.tonle.contracts.FaultyProxy.Request;
import org.tonle.contracts.ObjectServer;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/**
 * Everything that is asked of a bucket, with everything that may happen to it on the way. The table
 * of what comes of it is that of the docs.
 */
class BucketFaultsIT {
    /** Most of the time is spent waiting for answers. */
    private static final int AT_ONCE = 64;

    @TempDir private static Path dir;
    private static ObjectServer server;
    private static EmbeddedPostgres postgres;

    /** How often a fault happens. */
    private enum How {
        ONCE,
        ALWAYS;

        /** Of the requests that it is about, in their order. */
        Predicate<Request> of(Predicate<Request> asked) {
            AtomicInteger seen = new AtomicInteger();
            return switch (this) {
                case ONCE -> request -> asked.test(request) && seen.getAndIncrement() == 0;
                case ALWAYS -> asked;
            };
        }
    }

    private record Tried(BucketOperation operation, Fault fault, How how) {
        String name() {
            return (operation + "-" + fault + "-" + how).toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What came of it.
     *
     * @param said {@code done} or {@code error}
     * @param message of the error
     */
    private record Outcome(String said, String message) {}

    @BeforeAll
    static void start() throws Exception {
        server = ObjectServer.start(Files.createDirectories(dir.resolve("server")));
        postgres = EmbeddedPostgres.start(dir.resolve("pg"));
    }

    @AfterAll
    static void stop() {
        postgres.close();
        server.close();
    }

    private static Outcome outcome(Tried tried, Ledger ledger) {
        try (BucketCell cell = new BucketCell(tried.name(), dir, server, ledger)) {
            BucketOperation.Work work = tried.operation().work();
            work.prepare(cell);
            cell.proxy().fault(tried.fault(), tried.how().of(tried.operation().isMeant()));
            String message = "";
            try {
                work.run(cell);
            } catch (LakeException e) {
                assertThat(e.code()).as("%s", e).isEqualTo(ErrorCode.STORAGE);
                message = e.getMessage();
                assertThat(message)
                        .contains(cell.place())
                        .containsAnyOf("by itself", "is tried again");
            }
            assertThat(cell.proxy().struck()).isPositive();
            cell.proxy().heal();
            work.check(cell, message.isEmpty());
            return new Outcome(message.isEmpty() ? "done" : "error", message);
        } catch (Exception | AssertionError e) {
            throw new AssertionError("%s: %s".formatted(tried.name(), e), e);
        }
    }

    @Test
    void nothingIsCorruptLostOrCommittedTwiceWhateverHappensOnTheWay() throws Exception {
        Map<String, Outcome> outcomes = new TreeMap<>();
        List<String> wrong = new ArrayList<>();
        Semaphore turns = new Semaphore(AT_ONCE);
        try (Ledger ledger =
                        Ledger.open(
                                new LedgerConfig(
                                        postgres.jdbcUrl(), postgres.user(), postgres.password()),
                                FailPoints.NONE);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Map<String, Future<Outcome>> cells = new TreeMap<>();
            for (Tried tried : all()) {
                cells.put(
                        tried.name(),
                        threads.submit(() -> {
                            turns.acquire();
                            try {
                                return outcome(tried, ledger);
                            } finally {
                                turns.release();
                            }
                        }));
            }
            for (Map.Entry<String, Future<Outcome>> cell : cells.entrySet()) {
                try {
                    outcomes.put(cell.getKey(), cell.getValue().get());
                } catch (ExecutionException e) {
                    StringWriter trace = new StringWriter();
                    e.printStackTrace(new PrintWriter(trace));
                    wrong.add(trace.toString());
                    outcomes.put(cell.getKey(), new Outcome("WRONG", e.toString()));
                }
            }
        }
        String table = table(outcomes);
        Files.writeString(Path.of("target/bucket-faults.md"), table + "\n" + messages(outcomes));
        System.out.println(table);
        assertThat(wrong).as(table).isEmpty();
        assertThat(Path.of("../../docs/bucket-faults.md"))
                .as("the docs show what came of it, and have the table of target/bucket-faults.md")
                .content()
                .contains(table);
    }

    private static List<Tried> all() {
        List<Tried> all = new ArrayList<>();
        for (BucketOperation operation : BucketOperation.values()) {
            for (Fault fault : Fault.values()) {
                for (How how : How.values()) {
                    all.add(new Tried(operation, fault, how));
                }
            }
        }
        return all;
    }

    private static String messages(Map<String, Outcome> outcomes) {
        return outcomes.entrySet().stream()
                .filter(cell -> !cell.getValue().message().isEmpty())
                .map(cell -> "- %s: %s%n".formatted(cell.getKey(), cell.getValue().message()))
                .collect(Collectors.joining());
    }

    private static String table(Map<String, Outcome> outcomes) {
        BucketOperation[] operations = BucketOperation.values();
        StringBuilder table = new StringBuilder("| |");
        for (BucketOperation operation : operations) {
            table.append(' ').append(operation.said()).append(" |");
        }
        table.append("\n|---|").append("---|".repeat(operations.length)).append('\n');
        for (Fault fault : Fault.values()) {
            for (How how : How.values()) {
                table.append("| ").append(said(fault)).append(", ");
                table.append(how.toString().toLowerCase(Locale.ROOT)).append(" |");
                for (BucketOperation operation : operations) {
                    Outcome outcome = outcomes.get(new Tried(operation, fault, how).name());
                    table.append(' ').append(outcome == null ? "" : outcome.said()).append(" |");
                }
                table.append('\n');
            }
        }
        return table.toString();
    }

    private static String said(Fault fault) {
        return switch (fault) {
            case LATENCY -> "a second late";
            case RESET -> "connection reset";
            case ERROR -> "500";
            case SLOW_DOWN -> "503 SlowDown";
            case CUT_EARLY -> "answer cut behind its first line";
            case CUT -> "answer cut in the middle";
            case TWICE -> "delivered twice";
            case LOST -> "done, connection lost";
            case SILENCE -> "done, never answered";
        };
    }
}
