package org.tonle.spi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LakeExceptionTest {
    @Test
    void aCodeSaysWhoseTurnItIsAndWhetherWaitingHelps() {
        assertThat(ErrorCode.INVALID_SQL.kind()).isEqualTo(ErrorCode.Kind.USER);
        assertThat(ErrorCode.INVALID_SQL.retryable()).isFalse();
        assertThat(ErrorCode.OVERLOADED.retryable()).isTrue();
        assertThat(new LakeException(ErrorCode.LOG_GAP, "gone").code())
                .isEqualTo(ErrorCode.LOG_GAP);
    }
}
