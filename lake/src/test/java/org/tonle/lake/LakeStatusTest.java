package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.TableName;

class LakeStatusTest {
    private static TableStatus bare(Optional<String> reason) {
        return new TableStatus(
                new TableName("silver", "orders"),
                "streaming table",
                TableStatus.State.RUNNING,
                reason,
                0,
                0,
                0,
                3,
                Optional.empty(),
                0,
                List.of(),
                false);
    }

    private final AtomicReference<@Nullable LakeException> away = new AtomicReference<>();

    private static TableStatus fail() {
        throw new LakeException(ErrorCode.STORAGE, "s3://lake can't be reached now");
    }

    @Test
    void aTableWhoseStorageIsAwayIsToldWithoutFiguresAndWithTheReason() {
        TableStatus told =
                LakeStatus.told(bare(Optional.empty()), away, LakeStatusTest::fail, () -> 7);
        assertThat(told).isEqualTo(bare(Optional.of("s3://lake can't be reached now")).at(7));
        assertThat(told.whole()).isFalse();
        assertThat(told.lag()).isEqualTo(3);

        AtomicBoolean asked = new AtomicBoolean();
        TableStatus next =
                LakeStatus.told(
                        bare(Optional.empty()),
                        away,
                        () -> {
                            asked.set(true);
                            return fail();
                        },
                        () -> 8);
        assertThat(next).isEqualTo(told.at(8));
        assertThat(asked).isFalse();
    }

    @Test
    void whatItsWorkerSaysComesFirst() {
        Optional<String> reason = Optional.of("a column is gone");
        assertThat(LakeStatus.told(bare(reason), away, LakeStatusTest::fail, () -> 0).reason())
                .isEqualTo(reason);
    }

    @Test
    void whatElseFailsIsNoStateOfATable() {
        LakeException gone = new LakeException(ErrorCode.LEDGER_UNAVAILABLE, "it is away");
        assertThatThrownBy(() ->
                        LakeStatus.told(
                                bare(Optional.empty()),
                                away,
                                () -> {
                                    throw gone;
                                },
                                () -> 0))
                .isSameAs(gone);
    }
}
