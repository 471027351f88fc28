package dev.dray.cli;

import dev.dray.Capture;
import dev.dray.Captured;
import dev.dray.Doctor;
import dev.dray.ExitCode;
import dev.dray.Init;
import dev.dray.KeySource;
import dev.dray.OperationException;
import dev.dray.Progress;
import dev.dray.RepositoryAccess;
import dev.dray.Restore;
import dev.dray.Restored;
import dev.dray.Verified;
import dev.dray.Verify;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.machine.guest.GuestReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/// Carries out `dray demo`: the main job from start to end on a guest of its own. Everything it makes lies in one
/// temporary directory
/// that is gone when it ends, the state that captures leave on a host too.
final class DemoRun {
    /// Where captures leave what has to survive them; see StateDirectory in dev.dray.
    private static final String STATE = "dray.state";

    /// The kernel takes 107 bytes as the path of a socket.
    private static final int PARENT_CHARS_MAX = 50;

    private static final Duration GUEST_LIMIT = Duration.ofSeconds(40);

    /// To a user without the right to userfaultfd.
    private static final String FASTER =
            "QEMU run by this user cannot take background snapshots, which pause a guest for about a millisecond"
                    + " however busy it is; with sysctl vm.unprivileged_userfaultfd=1 it can";

    private final Invocation invocation;
    private final Progress progress;
    private final Path directory;
    private final DemoVmm vmm;

    private DemoRun(Invocation invocation, Path directory, DemoVmm vmm) {
        this.invocation = invocation;
        this.progress = invocation.progress();
        this.directory = directory;
        this.vmm = vmm;
    }

    static ExitCode run(DemoCommand.Vmm choice, Invocation invocation) throws OperationException, DrayException {
        String searchPath = invocation.around().environment().getOrDefault("PATH", "");
        DemoVmm vmm = DemoVmm.choose(choice, searchPath);
        Path directory = temporary(invocation.around().environment().getOrDefault("TMPDIR", ""));
        String state = System.getProperty(STATE);
        System.setProperty(STATE, directory.resolve("state").toString());
        try {
            return new DemoRun(invocation, directory, vmm).run();
        } finally {
            if (state == null) {
                System.clearProperty(STATE);
            } else {
                System.setProperty(STATE, state);
            }
            remove(directory);
        }
    }

    private ExitCode run() throws OperationException, DrayException {
        var repository = new RepositoryAccess(
                directory.resolve("repository").toString(), new KeySource.KeyFileAt(directory.resolve("key")));
        Captured captured;
        GuestReport before;
        GuestReport after;
        say("vmm", vmm.title());
        progress.phase("starting a guest that checks its own memory");
        try (DemoVm source = DemoVm.start(vmm, directory, "source", false)) {
            before = source.await(report -> report.passes() >= 3, GUEST_LIMIT, "start to check its memory");
            new Init(repository, true, Init.Dedup.REPOSITORY).run(progress);
            captured = Capture.of(source.address(), repository, "demo").run(progress);
            after = source.report();
            say(
                    "capture",
                    "mode %s, %s; the guest stood still for %s"
                            .formatted(captured.mode(), captured.modeReason(), Words.time(captured.pauseMs())));
            say(
                    "",
                    "%s of memory, %s stored encrypted, in %s"
                            .formatted(
                                    Words.bytes(captured.memoryBytes()),
                                    Words.bytes(captured.addedBytes()),
                                    Words.time(captured.elapsedMs())));
            source.await(report -> report.lastPass() >= after.lastPass() + 2, GUEST_LIMIT, "run on after its capture");
            say("", "the guest runs on and finds its memory right");
            verify(repository);
            source.kill();
            say("kill", "the VMM was killed; the snapshot is all there is of the guest");
        }
        return restore(repository, captured, before.lastPass(), after.lastPass());
    }

    private void verify(RepositoryAccess repository) throws OperationException {
        Verified verified = Verify.of(repository).run(progress);
        if (!verified.problems().isEmpty()) {
            throw new OperationException(
                    new MachineException(verified.message(), verified.whatToDo()), dev.dray.GuestFate.UNKNOWN);
        }
        say(
                "verify",
                "%,d sealed frames in %d packs authenticated, in %s"
                        .formatted(verified.frames(), verified.packs(), Words.time(verified.elapsedMs())));
    }

    private ExitCode restore(RepositoryAccess repository, Captured captured, long passBefore, long passAfter)
            throws OperationException, DrayException {
        try (DemoVm target = DemoVm.start(vmm, directory, "target", true)) {
            Restored restored = Restore.of("demo", repository, target.address()).run(progress);
            say(
                    "restore",
                    "into a new %s; the guest ran again after %s"
                            .formatted(vmm.name(restored.vmm()), Words.time(restored.resumeMs())));
            progress.phase("the guest checks every byte of its memory");
            target.askToVerify();
            GuestReport after = target.await(
                    report -> report.passes() >= 2 && !report.verified().isEmpty(),
                    GUEST_LIMIT,
                    "check its memory after the restore");
            if (after.firstPass() <= passBefore || after.firstPass() > passAfter + 1) {
                throw new MachineException(
                        "The restored guest went on with pass " + after.firstPass()
                                + ", but it was captured between pass " + passBefore + " and pass " + passAfter,
                        "report this as a defect of Dray");
            }
            say(
                    "proof",
                    "captured between pass %d and pass %d, the guest went on with pass %d and found all of its memory right"
                            .formatted(passBefore, passAfter + 1, after.firstPass()));
            say("", "%d passes, every byte of every page checked once: 0 wrong".formatted(after.passes()));
            target.kill(); // two VMs are enough for a small host
            return end(captured, restored, after, clocks(repository));
        }
    }

    private DemoClocks clocks(RepositoryAccess repository) throws OperationException, DrayException {
        DemoClocks clocks = DemoClocks.run(directory, repository, progress);
        say("clocks", "one more guest, of a built-in machine that speaks as a Cloud Hypervisor, restored in two ways:");
        clocks.lines().forEach(line -> say("", line));
        return clocks;
    }

    private ExitCode end(Captured captured, Restored restored, GuestReport after, DemoClocks clocks)
            throws OperationException {
        boolean slower = new Doctor(Optional.empty())
                .run(progress).findings().stream()
                        .anyMatch(each -> each.subject().equals("userfaultfd") && !each.ok());
        if (slower) {
            say("faster", FASTER);
        }
        if (invocation.output().json()) {
            var json = JsonMapper.shared().createObjectNode();
            json.put("outcome", "demonstrated").put("machine", vmm.word()).put("machine_reason", vmm.reason());
            json.put("vmm", captured.vmm()).put("mode", captured.mode());
            json.put("pause_ms", tenths(captured.pauseMs())).put("capture_ms", tenths(captured.elapsedMs()));
            json.put("memory_bytes", captured.memoryBytes()).put("added_bytes", captured.addedBytes());
            json.put("resume_ms", tenths(restored.resumeMs()));
            json.put("passes_after_restore", after.passes())
                    .put("wrong_pages", after.errors().size());
            clocks.addTo(json.putObject("clocks"));
            json.put("faster", slower ? FASTER : "");
            invocation.output().print(json);
        }
        return ExitCode.DONE;
    }

    private static double tenths(double ms) {
        return Math.round(ms * 10) / 10.0;
    }

    private void say(String step, String text) {
        if (!invocation.output().json()) {
            invocation.output().out().printf("%-8s %s%n", step, text);
        }
    }

    private static Path temporary(String asked) throws MachineException {
        boolean usable = !asked.isEmpty() && asked.length() <= PARENT_CHARS_MAX;
        try {
            return Files.createTempDirectory(
                    Path.of(usable ? asked : System.getProperty("java.io.tmpdir")), "dray-demo-");
        } catch (IOException e) {
            throw new MachineException(
                    "No temporary directory can be made: " + e.getMessage(),
                    "Set TMPDIR to a directory that can be written, with 300 MB to spare",
                    e);
        }
    }

    private static void remove(Path directory) {
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            System.err.println("dray: the demo could not remove " + directory + ": " + e.getMessage());
        }
    }
}
