package org.tonle.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

class GateTest {
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final Gate gate = new Gate("queries", 256, stopping);

    private static Principal named(String name) {
        return new Principal(name, Set.of(), Map.of());
    }

    /** As many as get in. */
    private List<Gate.Pass> push(String name) {
        List<Gate.Pass> passes = new ArrayList<>();
        try {
            while (true) {
                passes.add(gate.enter(named(name)));
            }
        } catch (LakeException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.OVERLOADED);
            return passes;
        }
    }

    @Test
    void howeverManyPushInWhoComesThenFindsAPlace() {
        List<Gate.Pass> ada = push("ada");
        assertThat(ada).hasSize(128);
        assertThat(push("bob")).hasSize(64);
        for (int i = 0; i < 5; i++) {
            assertThat(push("p" + i)).isNotEmpty();
        }
        assertThat(push("ada")).isEmpty();
        gate.enter(named("eve")).close();
        ada.forEach(Gate.Pass::close);
        ada.forEach(Gate.Pass::close);
        assertThat(push("eve")).hasSizeGreaterThan(60);
    }

    @Test
    void whoIsNotAPersonTakesEveryPlace() {
        List<Gate.Pass> all = new ArrayList<>();
        for (int i = 0; i < 256; i++) {
            all.add(gate.enter());
        }
        assertThatThrownBy(gate::enter).hasMessage("more than 256 queries at once");
        all.removeLast().close();
        all.add(gate.enter());
        all.forEach(Gate.Pass::close);
        assertThat(gate.inside()).isZero();
        stopping.set(true);
        assertThatThrownBy(gate::enter).hasMessageContaining("stopping");
    }

    @Test
    void noPlaceIsLostWhoeverComesAndGoes() {
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            Principal who = named("p" + i % 7);
            all.add(
                    CompletableFuture.runAsync(
                            () -> {
                                try (Gate.Pass pass = gate.enter(who)) {
                                    Thread.yield();
                                    pass.close();
                                } catch (LakeException e) {
                                    assertThat(e.code()).isEqualTo(ErrorCode.OVERLOADED);
                                }
                            },
                            Thread::startVirtualThread));
        }
        all.forEach(CompletableFuture::join);
        assertThat(gate.inside()).isZero();
        assertThat(push("ada")).hasSize(128);
    }
}
