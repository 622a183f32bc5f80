package org.tonle.catalog;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class CopiesTest {
    @TempDir private Path dir;

    /** Looking at all of them for each would take an hour. */
    @Test
    @Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void lettingGoOfManyCostsNoMoreForEachThoughThereIsNoRoom() {
        Copies copies = Copies.open(dir, -1, () -> false);
        List<Copies.Copy> held =
                IntStream.range(0, 500_000)
                        .mapToObj(i -> copies.hold(dir.resolve("" + i)))
                        .toList();
        held.forEach(copies::release);
        assertThat(copies.bytes()).isZero();
    }

    @Test
    void aCopyThatWasForgottenWhileItWasHeldTakesNoRoomLater() throws Exception {
        Path path = Files.writeString(dir.resolve("a"), "rows");
        Files.writeString(dir.resolve("a.crc32c"), "of them");
        Copies copies = Copies.open(dir, 100, () -> false);
        assertThat(copies.bytes()).isEqualTo(4);
        Copies.Copy held = copies.hold(path);
        copies.forget(path);
        copies.release(held);
        assertThat(copies.bytes()).isZero();
        assertThat(dir).isEmptyDirectory();
    }
}
