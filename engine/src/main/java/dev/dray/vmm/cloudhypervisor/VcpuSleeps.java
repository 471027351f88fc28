package dev.dray.vmm.cloudhypervisor;

import dev.dray.vmm.ProcessStatus;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;

/// How often each processor of a VM has gone to sleep, as `/proc/PID/task/TID/status` counts it for the VMM's threads
/// (proc_pid_status(5)). It stays as it is for as long as the VM stands still, and is more once the VM has gone on,
/// also if it stands still again: the VMM itself does not tell the two apart.
final class VcpuSleeps {
    private static final String THREADS = "vcpu";

    private VcpuSleeps() {}

    /// One word for all of them; empty if there is none, or none can be seen.
    static String of(long pid) {
        Path tasks = Path.of("/proc", Long.toString(pid), "task");
        var sleeps = new TreeMap<String, String>();
        try (var threads = Files.newDirectoryStream(tasks)) {
            for (Path thread : threads) {
                String count = sleeps(thread);
                if (!count.isEmpty()) {
                    sleeps.put(thread.getFileName().toString(), count);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return "";
        }
        return sleeps.isEmpty() ? "" : sleeps.toString();
    }

    /// Empty of a thread that is no processor, or has ended meanwhile.
    private static String sleeps(Path thread) {
        try {
            ProcessStatus status = ProcessStatus.of(thread);
            return status.value("Name").orElse("").startsWith(THREADS)
                    ? status.value("voluntary_ctxt_switches").orElse("")
                    : "";
        } catch (IOException e) {
            return "";
        }
    }
}
