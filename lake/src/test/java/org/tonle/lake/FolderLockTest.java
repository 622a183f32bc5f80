package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

class FolderLockTest {
    @TempDir private Path folder;

    @Test
    void whoeverIsRefusedDoesNotTakeTheLockAway() throws IOException {
        Path state = folder.resolve(".tonle");
        Path other = Files.createSymbolicLink(folder.resolve("other"), folder);
        try (FolderLock lock = FolderLock.take(state)) {
            assertThat(isLocked(state)).isTrue();
            assertThatThrownBy(() -> FolderLock.take(other.resolve(".tonle")))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.IN_USE))
                    .hasMessageContaining("process " + ProcessHandle.current().pid());
            assertThat(isLocked(state)).as("as another process sees it").isTrue();
            assertThat(lock).isNotNull();
        }
        assertThat(isLocked(state)).isFalse();
        FolderLock.take(state).close();
    }

    private static boolean isLocked(Path state) throws IOException {
        String inode = ":" + Files.getAttribute(state.resolve("lock"), "unix:ino") + " ";
        return Files.readString(Path.of("/proc/locks")).contains(inode);
    }
}
