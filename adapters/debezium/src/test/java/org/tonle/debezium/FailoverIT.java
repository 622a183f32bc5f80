package org.tonle.debezium;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** A standby takes over from the server whose changes are read. */
class FailoverIT {
    @TempDir private Path temp;
    private CapturedServer server;
    private CapturedServer.Database shop;
    private SourceKind.Postgres kind;

    @BeforeEach
    void start() {
        server = CapturedServer.start(temp.resolve("primary"));
        shop = server.database();
        shop.run(Customers.TABLE);
        kind = Capture.kind(shop, "public.customers");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private void awaitSlot(CapturedServer standby, Capture capture) {
        CapturedServer.Database there = standby.existing("postgres");
        capture.until(() -> {
            capture.commit();
            // what is synchronized is a place that has passed, so that the log has to go on
            shop.run(
                    "INSERT INTO customers VALUES (-1, 'x')",
                    "DELETE FROM customers WHERE id = -1");
            // wakes who looks for slots, after half a minute otherwise
            there.run("SELECT pg_reload_conf()");
            return !there.ask(
                            "SELECT slot_name FROM pg_replication_slots WHERE synced AND NOT temporary AND invalidation_reason IS NULL")
                    .isEmpty();
        });
    }

    @Test
    void underLoadNothingIsMissingAndNothingComesTwice() throws Exception {
        try (CapturedServer standby = server.standby(temp.resolve("standby"), true);
                Capture capture = new Capture(kind)) {
            try (Customers customers = Customers.write(shop)) {
                capture.begin().until(4_000);
                awaitSlot(standby, capture);
                AtomicReference<Exception> failure = new AtomicReference<>();
                Thread operator =
                        Thread.ofVirtual()
                                .start(() -> {
                                    try {
                                        server.failOver(standby);
                                    } catch (Exception e) {
                                        failure.set(e);
                                    }
                                });
                assertThatThrownBy(() -> capture.until(() -> false))
                        .isInstanceOfSatisfying(
                                LakeException.class,
                                e -> assertThat(e.code().retryable()).as(e.toString()).isTrue());
                operator.join();
                assertThat(failure.get()).isNull();
                capture.againUntil(capture.lines().size() + 1_000);
                customers.stop();
                customers.requireAllIn(capture);
            }
        }
    }

    /** Its rest isn't there, and the next one that is there isn't its rest. */
    @Test
    void aTransactionThatWasReadInPartIsNotEndedByAnother() throws Exception {
        try (CapturedServer standby = server.standby(temp.resolve("standby"), false);
                Capture capture = new Capture(kind).begin()) {
            shop.run("INSERT INTO customers VALUES (1, 'a')");
            capture.until(1);
            awaitSlot(standby, capture);
            standby.stop();
            shop.run(
                    "INSERT INTO customers SELECT i, repeat('x', 1000) FROM generate_series(10, 20000) i");
            capture.until(() -> capture.bodies.getLast().continues());
            while (!capture.bodies.getLast().continues()) {
                capture.bodies.removeLast();
            }
            capture.close();
            server.failOver(standby);
            shop.run("INSERT INTO customers SELECT i, 'there' FROM generate_series(2, 9) i");
            assertThatThrownBy(capture::againInTime)
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.LOG_GAP))
                    .hasMessageContaining("in part");
        }
    }

    @Test
    void aStandbyThatLacksWhatWasReadIsNotReadOn() throws Exception {
        try (CapturedServer standby = server.standby(temp.resolve("standby"), false);
                Capture capture = new Capture(kind).begin()) {
            shop.run("INSERT INTO customers VALUES (1, 'a')");
            capture.until(1);
            awaitSlot(standby, capture);
            standby.stop();
            shop.run("INSERT INTO customers VALUES (2, 'only here')");
            capture.until(() -> Capture.text(capture.bodies).contains("only here"));
            capture.close();
            server.failOver(standby);
            // its log is longer than the one that was read, and another one
            shop.run(
                    "INSERT INTO customers SELECT i, 'only there' FROM generate_series(3, 3000) i");
            assertThatThrownBy(capture::againInTime)
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.LOG_GAP))
                    .hasMessageContaining("a standby took over that hadn't got everything");
        }
    }
}
