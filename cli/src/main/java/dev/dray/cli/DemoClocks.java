package dev.dray.cli;

import dev.dray.Capture;
import dev.dray.OperationException;
import dev.dray.Progress;
import dev.dray.RepositoryAccess;
import dev.dray.Restore;
import dev.dray.RestoreMemory;
import dev.dray.Restored;
import dev.dray.error.DrayException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// The part of the demo that restores one guest twice, eagerly and lazily, and shows the two clocks of a restore: until
/// the guest goes on, and until it has all of its memory.
///
/// @param eager how the first went
/// @param lazy how the second went
record DemoClocks(Restored eager, Restored lazy) {
    private static final int COLUMNS = 40;
    private static final Duration GUEST_LIMIT = Duration.ofSeconds(40);

    static DemoClocks run(Path directory, RepositoryAccess repository, Progress progress)
            throws OperationException, DrayException {
        var vmm = DemoVmm.Builtin.asCloudHypervisor();
        progress.phase("starting a second guest");
        try (DemoVm source = DemoVm.start(vmm, directory, "clocks", false)) {
            source.await(report -> report.passes() >= 2, GUEST_LIMIT, "start to check its memory");
            Capture.of(source.address(), repository, "clocks").run(progress);
        }
        return new DemoClocks(
                restored(new RestoreMemory.Eager(), vmm, directory, repository, progress),
                restored(
                        new RestoreMemory.Lazy(new RestoreMemory.Prefetch.Recorded()),
                        vmm,
                        directory,
                        repository,
                        progress));
    }

    private static Restored restored(
            RestoreMemory memory, DemoVmm vmm, Path directory, RepositoryAccess repository, Progress progress)
            throws OperationException, DrayException {
        String name = memory instanceof RestoreMemory.Lazy ? "lazy" : "eager";
        try (DemoVm target = DemoVm.start(vmm, directory, name, true)) {
            // The built-in machine runs no instructions of a processor: which one was captured does not matter.
            Restored restored = Restore.of("clocks", repository, target.address())
                    .with(memory)
                    .atOwnRisk()
                    .run(progress);
            target.askToVerify();
            target.await(report -> !report.verified().isEmpty(), GUEST_LIMIT, "check its memory after the restore");
            return restored;
        }
    }

    /// As lines of a timeline.
    List<String> lines() {
        double whole = Math.max(eager.residentMs(), lazy.residentMs());
        return List.of(
                "eager  " + bar(eager, whole) + "  it went on after " + Words.time(eager.resumeMs()),
                "lazy   " + bar(lazy, whole) + "  after " + Words.time(lazy.resumeMs()) + ", and had all its memory"
                        + " after " + Words.time(lazy.residentMs()),
                "       " + "= it waits   # it runs, and its memory comes behind it");
    }

    private static String bar(Restored restored, double wholeMs) {
        int behind = restored.residentMs() > restored.resumeMs() ? 1 : 0; // at least, however short
        int waits = Math.clamp(Math.round(COLUMNS * restored.resumeMs() / wholeMs), 1, COLUMNS - behind);
        int all = Math.max(waits + behind, (int) Math.round(COLUMNS * restored.residentMs() / wholeMs));
        String bar = "=".repeat(waits) + "#".repeat(all - waits);
        return "|" + bar + " ".repeat(Math.max(0, COLUMNS - bar.length())) + "|";
    }

    void addTo(ObjectNode json) {
        clock(json.putObject("eager"), eager);
        clock(json.putObject("lazy"), lazy);
    }

    private static void clock(ObjectNode json, Restored restored) {
        json.put("resume_ms", tenths(restored.resumeMs())).put("resident_ms", tenths(restored.residentMs()));
    }

    private static double tenths(double ms) {
        return Math.round(ms * 10) / 10.0;
    }
}
