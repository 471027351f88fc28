package dev.dray;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.RefusedException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VmLockTest {
    @TempDir
    Path directory;

    @Test
    void aMachineIsLockedThroughAllOfItsSockets() throws Exception {
        StateDirectory state = StateDirectory.open(directory.resolve("state"));
        VmAddress first = VmAddress.parse("qemu:" + directory.resolve("first"));
        VmAddress second = VmAddress.parse("qemu:" + directory.resolve("second"));
        Optional<String> machine = Optional.of("4711 99");
        try (var _ = VmLock.take(state, first);
                var _ = VmLock.take(state, first, machine);
                var _ = VmLock.take(state, second)) {
            assertThatThrownBy(() -> VmLock.take(state, second, machine))
                    .isInstanceOf(RefusedException.class)
                    .hasMessage("Another Dray is at work on " + second);
            VmLock.take(state, second, Optional.empty()).close();
            VmLock.take(state, second, Optional.of("4712 99")).close();
        }
        VmLock.take(state, second, machine).close();
    }
}
