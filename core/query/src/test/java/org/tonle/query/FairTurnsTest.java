package org.tonle.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

class FairTurnsTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    private static CompletableFuture<FairTurns.Turn> take(
            FairTurns turns, String who, int each, int waitingAfter) {
        CompletableFuture<FairTurns.Turn> turn =
                CompletableFuture.supplyAsync(
                        () -> turns.take(who, each, 0, LONG), Thread::startVirtualThread);
        while (turns.waiting() < waitingAfter && !turn.isDone()) {
            Thread.onSpinWait();
        }
        return turn;
    }

    @Test
    void whoAsksOnceDoesNotWaitForAllOfWhoAsksOften() {
        FairTurns turns = new FairTurns(1, 100, 0);
        FairTurns.Turn now = turns.take("ada", 9, 0, LONG);
        List<CompletableFuture<FairTurns.Turn>> adas = new ArrayList<>();
        for (int i = 1; i <= 10; i++) {
            adas.add(take(turns, "ada", 9, i));
        }
        CompletableFuture<FairTurns.Turn> bob = take(turns, "bob", 9, 11);
        CompletableFuture<FairTurns.Turn> eve = take(turns, "eve", 9, 12);
        now.close();
        adas.getFirst().join().close();
        bob.join().close();
        eve.join().close();
        for (CompletableFuture<FairTurns.Turn> ada : adas) {
            ada.join().close();
        }
        assertThat(turns.waiting()).isZero();
    }

    @Test
    void nobodyWorksOnMoreThanItMayThoughThereIsRoom() {
        FairTurns turns = new FairTurns(3, 100, 0);
        FairTurns.Turn first = turns.take("ada", 2, 0, LONG);
        FairTurns.Turn second = turns.take("ada", 2, 0, LONG);
        CompletableFuture<FairTurns.Turn> third = take(turns, "ada", 2, 1);
        assertThat(third).isNotDone();
        turns.take("bob", 2, 0, LONG).close();
        assertThat(third).isNotDone();
        first.close();
        third.join().close();
        second.close();
        second.close();
        turns.take("x", 1, 0, LONG).close();
    }

    @Test
    void whoWaitsTooLongOrFindsTheQueueFullIsToldSo() {
        FairTurns turns = new FairTurns(1, 4, 0);
        FairTurns.Turn now = turns.take("ada", 9, 0, LONG);
        assertThatThrownBy(() -> turns.take("ada", 9, 0, Duration.ofMillis(1)))
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.OVERLOADED))
                .hasMessageContaining("within PT0.001S");
        take(turns, "ada", 9, 1);
        take(turns, "ada", 9, 2);
        assertThatThrownBy(() -> turns.take("ada", 9, 0, LONG))
                .as("half of the places are for others")
                .hasMessage("2 queries wait for their turn, 2 of them yours; try again later");
        take(turns, "bob", 9, 3);
        take(turns, "eve", 9, 4);
        assertThatThrownBy(() -> turns.take("mia", 9, 0, LONG))
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.OVERLOADED));
        assertThat(turns.waiting()).isEqualTo(4);
        now.close();
    }

    @Test
    void whoIsInterruptedLeavesItsPlace() throws InterruptedException {
        FairTurns turns = new FairTurns(1, 4, 0);
        FairTurns.Turn now = turns.take("ada", 9, 0, LONG);
        ConcurrentLinkedQueue<Throwable> thrown = new ConcurrentLinkedQueue<>();
        Thread waiting =
                Thread.startVirtualThread(() -> {
                    try {
                        turns.take("ada", 9, 0, LONG).close();
                    } catch (LakeException e) {
                        thrown.add(e);
                    }
                });
        while (turns.waiting() == 0) {
            Thread.onSpinWait();
        }
        waiting.interrupt();
        waiting.join();
        assertThat(thrown)
                .singleElement()
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.CANCELLED));
        assertThat(turns.waiting()).isZero();
        now.close();
        turns.take("bob", 1, 0, LONG).close();
    }

    @Test
    void whoNeedsMemoryOfItsOwnWaitsForItAndKeepsNobodyElseWaiting() {
        FairTurns turns = new FairTurns(9, 100, 100);
        FairTurns.Turn first = turns.take("ada", 9, 60, LONG);
        CompletableFuture<FairTurns.Turn> second =
                CompletableFuture.supplyAsync(
                        () -> turns.take("bob", 9, 60, LONG), Thread::startVirtualThread);
        while (turns.waiting() == 0) {
            Thread.onSpinWait();
        }
        turns.take("eve", 9, 0, LONG).close();
        FairTurns.Turn little = turns.take("eve", 9, 40, LONG);
        assertThatThrownBy(() -> turns.take("mia", 9, 1, Duration.ofMillis(1)))
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.OVERLOADED))
                .hasMessageContaining("MB each");
        little.close();
        assertThat(second).isNotDone();
        first.close();
        first.close();
        FairTurns.Turn now = second.join();
        assertThatThrownBy(() -> turns.take("ada", 9, 60, Duration.ofMillis(1)));
        now.close();
        turns.take("mia", 9, 100, LONG).close();
    }

    @Test
    void noTurnIsLostWhateverHappens() {
        FairTurns turns = new FairTurns(3, 1000, 8);
        AtomicInteger working = new AtomicInteger();
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            String who = "p" + i % 7;
            long memory = i % 5;
            Duration patience = i % 3 == 0 ? Duration.ofNanos(i * 1000L) : LONG;
            all.add(
                    CompletableFuture.runAsync(
                            () -> {
                                FairTurns.Turn turn = turns.take(who, 2, memory, patience);
                                assertThat(working.incrementAndGet()).isLessThanOrEqualTo(3);
                                Thread.yield();
                                working.decrementAndGet();
                                turn.close();
                            },
                            Thread::startVirtualThread));
        }
        int refused = 0;
        for (CompletableFuture<Void> one : all) {
            try {
                one.join();
            } catch (CompletionException e) {
                assertThat(code(e.getCause())).isEqualTo(ErrorCode.OVERLOADED);
                refused++;
            }
        }
        assertThat(refused).isLessThan(140);
        assertThat(turns.waiting()).isZero();
        List<FairTurns.Turn> every = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            every.add(turns.take("q" + i, 1, i == 0 ? 8 : 0, Duration.ofSeconds(5)));
        }
        every.forEach(FairTurns.Turn::close);
    }

    private static ErrorCode code(Throwable e) {
        return ((LakeException) e).code();
    }
}
