package org.tonle.lake;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.tonle.embedded.EmbeddedKafka;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Whether what a lake keeps on its own disk can take more. Cheap to ask; asked per request. */
final class EmbeddedHealth {
    /**
     * What has to be free for a request to be taken: bodies under way, the files of the commits
     * that bring them on, and what PostgreSQL writes for those. Whatever was taken can go on then.
     */
    static final long RESERVE_BYTES = 256L << 20;

    private final Path state;
    private final @Nullable EmbeddedKafka kafka;
    private final @Nullable EmbeddedPostgres postgres;

    /** Either server is null where the lake uses one elsewhere. */
    EmbeddedHealth(Path state, @Nullable EmbeddedKafka kafka, @Nullable EmbeddedPostgres postgres) {
        this.state = state;
        this.kafka = kafka;
        this.postgres = postgres;
    }

    /** Why no event can be taken now; empty if it can. */
    Optional<LakeException> refusal() {
        if (kafka == null) {
            return Optional.empty();
        }
        long free = freeBytes();
        if (free < RESERVE_BYTES) {
            return Optional.of(
                    new LakeException(
                            ErrorCode.DISK_FULL,
                            "The disk of %s has %d MB left and the lake keeps %d MB for what it has taken already. Free space there: it goes on by itself, nothing that was acknowledged is lost."
                                    .formatted(state, free >> 20, RESERVE_BYTES >> 20)));
        }
        return kafka.fault()
                .map(fault ->
                        new LakeException(
                                ErrorCode.LOG_UNAVAILABLE,
                                "The embedded event log is down: %s.".formatted(fault)));
    }

    /** Why the lake can't do all that it should; empty if it can. */
    Optional<String> notReady() {
        return refusal()
                .map(LakeException::getMessage)
                .or(() ->
                        postgres == null
                                ? Optional.empty()
                                : postgres.fault()
                                        .map("The embedded ledger is down: %s."::formatted));
    }

    /** {@code failed} with what is known of the embedded ledger, if that is why. */
    LakeException explained(LakeException failed) {
        return failed.code() == ErrorCode.LEDGER_UNAVAILABLE && postgres != null
                ? postgres.fault()
                        .map(fault ->
                                new LakeException(
                                        failed.code(),
                                        "The embedded ledger is down: %s.".formatted(fault),
                                        failed))
                        .orElse(failed)
                : failed;
    }

    /** Of the disk under {@code .tonle}. */
    long freeBytes() {
        return state.toFile().getUsableSpace();
    }
}
