package dev.dray.vmm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What the kernel says of a process, or of a thread, in its file `status` (proc_pid_status(5)).
public record ProcessStatus(List<String> lines) {
    /// @param of its directory: `/proc/PID`, `/proc/PID/task/TID`
    /// @throws IOException if it has ended, or cannot be seen
    public static ProcessStatus of(Path of) throws IOException {
        return new ProcessStatus(Files.readAllLines(of.resolve("status")));
    }

    /// The value of a line; empty if this kernel has none of that name.
    public Optional<String> value(String name) {
        return lines.stream()
                .filter(line -> line.startsWith(name + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst();
    }
}
