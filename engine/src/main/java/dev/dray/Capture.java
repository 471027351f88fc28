package dev.dray;

import dev.dray.error.UsageException;
import dev.dray.snapshot.GuestName;
import java.time.Duration;
import java.util.Collections;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;

/// Takes a snapshot of a running virtual machine.
///
/// @param vm the VM as `DIALECT:CONTROL-SOCKET`: `qemu:/run/vm1.qmp`
/// @param name the guest's name in the repository
/// @param onPause a command for `sh -c` while the guest stands still, for a snapshot of its disks
/// @param downtimeLimit mode live: the longest pause that ends it
/// @param timeLimit mode live: how long it may take before `then` counts
/// @param rateBytesPerSecond how fast the VMM may send; empty for as fast as it can
/// @param ownRisk go on with a VMM of a version that Dray was not tried with
public record Capture(
        String vm,
        RepositoryAccess repository,
        String name,
        Mode mode,
        After after,
        Optional<String> onPause,
        SortedMap<String, String> labels,
        Duration downtimeLimit,
        Duration timeLimit,
        Then then,
        OptionalLong rateBytesPerSecond,
        Compression compression,
        boolean ownRisk)
        implements Operation<Captured> {
    /// What the guest may stand still if nothing else is said.
    public static final Duration DOWNTIME_LIMIT_DEFAULT = Duration.ofMillis(300);

    /// How long a live capture may take if nothing else is said.
    public static final Duration TIME_LIMIT_DEFAULT = Duration.ofMinutes(5);

    public Capture {
        labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    }

    /// A capture with the defaults of the command: mode auto, and the guest ends as it was.
    public static Capture of(String vm, RepositoryAccess repository, String name) {
        return new Capture(
                vm,
                repository,
                name,
                Mode.AUTO,
                After.RESUME,
                Optional.empty(),
                new TreeMap<>(),
                DOWNTIME_LIMIT_DEFAULT,
                TIME_LIMIT_DEFAULT,
                Then.FAIL,
                OptionalLong.empty(),
                Compression.auto(),
                false);
    }

    @Override
    public Captured run(Progress progress) throws OperationException {
        try {
            check();
        } catch (UsageException e) {
            throw new OperationException(e, GuestFate.UNKNOWN);
        }
        return CaptureRun.run(this, progress);
    }

    /// What can be said of the request without looking at the VM.
    private void check() throws UsageException {
        VmAddress.parse(vm);
        GuestName.check(name);
        Labels.check(labels);
        if (mode == Mode.BACKGROUND && after != After.RESUME) {
            throw new UsageException(
                    "Mode background cannot end with --after " + after.name().toLowerCase(Locale.ROOT)
                            + ": the guest would outlive its image",
                    "Use --mode live or --mode stop, or leave --mode out");
        }
    }

    /// How memory is read.
    public enum Mode {
        /// The shortest pause that the VM allows for the end state that is asked.
        AUTO,
        /// The guest stops for about a millisecond; memory is read behind its back as it goes on.
        BACKGROUND,
        /// The guest runs while memory is read, again and again, until the rest is small.
        LIVE,
        /// The guest stands still while memory is read.
        STOP
    }

    /// How the guest ends.
    public enum After {
        /// As it was: running stays running, paused stays paused.
        RESUME,
        PAUSE,
        QUIT
    }

    /// What a live capture does at its time limit.
    public enum Then {
        FAIL,
        STOP
    }
}
