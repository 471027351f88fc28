package dev.dray.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.linux.BootClock;
import org.junit.jupiter.api.Test;

class ProcessIdentityTest {
    private static final long TICK_MS = 10;

    /// The clock of the JVM's own process handles is up to a second wrong, the same second for all of a boot.
    @Test
    void aProcessBeganAfterItWasAskedForAndBeforeItWasThere() throws Exception {
        long before = BootClock.nanos() / 1_000_000;
        Process process = new ProcessBuilder("sleep", "60").start();
        try {
            long after = BootClock.nanos() / 1_000_000;
            assertThat(ProcessIdentity.startMs(process.pid()))
                    .hasValueSatisfying(start -> assertThat(start).isBetween(before - TICK_MS, after));
        } finally {
            process.destroyForcibly().waitFor();
        }
        assertThat(ProcessIdentity.startMs(process.pid())).isEmpty();
        assertThat(ProcessIdentity.of(process.pid())).isEmpty();
    }
}
