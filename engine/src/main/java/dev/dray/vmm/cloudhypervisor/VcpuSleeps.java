package dev.dray.vmm.cloudhypervisor;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
                List<String> status = status(thread);
                if (value(status, "Name").startsWith(THREADS)) {
                    sleeps.put(thread.getFileName().toString(), value(status, "voluntary_ctxt_switches"));
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return "";
        }
        return sleeps.isEmpty() ? "" : sleeps.toString();
    }

    /// Of a thread that has ended meanwhile, nothing.
    private static List<String> status(Path thread) {
        try {
            return Files.readAllLines(thread.resolve("status"));
        } catch (IOException e) {
            return List.of();
        }
    }

    private static String value(List<String> status, String name) {
        return status.stream()
                .filter(line -> line.startsWith(name + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst()
                .orElse("");
    }
}
