package dev.dray.vmm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What tells a process from all others of this boot: its number and when it was started, as `/proc/PID/stat` has them
/// (proc_pid_stat(5)).
public final class ProcessIdentity {
    private static final int STATE = 0;
    private static final int START_TIME = 19;

    /// What the kernel counts in towards user space, on all architectures that Dray runs on.
    private static final long TICK_MS = 10;

    private ProcessIdentity() {}

    /// Whether a process has this number where it lives: in a container it has another one than outside
    /// (pid_namespaces(7)).
    public static boolean knowsItselfAs(long pid, long number) {
        try {
            return ProcessStatus.of(Path.of("/proc", Long.toString(pid)))
                    .value("NSpid")
                    .map(all -> all.substring(all.lastIndexOf('\t') + 1).equals(Long.toString(number)))
                    .orElse(pid == number);
        } catch (IOException e) {
            return false;
        }
    }

    /// Empty if the process has ended, or cannot be seen. One whose parent has not asked for it yet has ended.
    public static Optional<String> of(long pid) {
        return startTicks(pid).map(ticks -> pid + " " + ticks);
    }

    /// Whether the process that had this identity has ended, or cannot be seen any more.
    public static boolean hasEnded(String identity) {
        long pid = Long.parseLong(identity.substring(0, identity.indexOf(' ')));
        return !of(pid).equals(Optional.of(identity));
    }

    /// When the process began, in milliseconds of [dev.dray.linux.BootClock], to 10 ms; empty as of [#of].
    public static Optional<Long> startMs(long pid) {
        return startTicks(pid).map(ticks -> Long.parseLong(ticks) * TICK_MS);
    }

    private static Optional<String> startTicks(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            // Counted from the third field on: the second, in parentheses, may hold anything.
            List<String> fields =
                    List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1));
            boolean ended = fields.get(STATE).equals("Z") || fields.get(STATE).equals("X");
            return fields.size() > START_TIME && !ended ? Optional.of(fields.get(START_TIME)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
