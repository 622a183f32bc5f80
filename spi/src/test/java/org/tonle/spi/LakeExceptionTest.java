package org.tonle.spi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
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

    @Test
    void whatAFileCouldNotDoIsSaidWithItsReasonOnce() {
        IOException full = new IOException("No space left on device");

        LakeException named =
                LakeException.storage(new UncheckedIOException("can't write a.json", full));
        LakeException bare = LakeException.storage(new UncheckedIOException(full));

        assertThat(named.code()).isEqualTo(ErrorCode.STORAGE);
        assertThat(named).hasMessageContaining("can't write a.json: " + full);
        assertThat(bare).hasMessageContaining("used: " + full + ". Check");
    }
}
