package dev.dray;

import dev.dray.linux.BootClock;
import dev.dray.linux.SysException;
import dev.dray.vmm.ProcessIdentity;

/// When this process began. [ProcessHandle] counts from the second in which the system was started, and is up to a
/// second wrong.
final class ProcessClock {
    private ProcessClock() {}

    /// Milliseconds since the process began, to 10 ms (the kernel's tick); 0 if that is not known.
    static double sinceStartMs() {
        try {
            double now = BootClock.nanos() / 1e6;
            return ProcessIdentity.startMs(ProcessHandle.current().pid())
                    .map(start -> Math.max(0, now - start))
                    .orElse(0.0);
        } catch (SysException e) {
            return 0;
        }
    }
}
