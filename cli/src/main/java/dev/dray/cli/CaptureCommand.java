package dev.dray.cli;

import dev.dray.Capture;
import dev.dray.Captured;
import dev.dray.Compression;
import dev.dray.ExitCode;
import dev.dray.GuestFate;
import dev.dray.OperationException;
import dev.dray.Phase;
import dev.dray.error.DrayException;
import java.io.PrintStream;
import java.util.List;
import java.util.OptionalLong;
import picocli.CommandLine.Model.CommandSpec;

/// `dray capture`.
final class CaptureCommand implements Command {
    @Override
    public CommandSpec spec() {
        return Spec.of(
                        "capture",
                        "Takes a snapshot of a running VM.",
                        "The guest ends as it was unless --after says otherwise. If Dray is killed on the way, the"
                                + " guest goes on by itself; only where a background capture had stopped it for"
                                + " --on-pause does it need dray doctor.")
                .positional(
                        "VM",
                        "The VM: qemu:SOCKET with the path of its QMP socket, or ch:SOCKET with that of its API socket.")
                .repository()
                .required("--name", "N", "The guest's name in the repository; its snapshots are numbered.")
                .option(
                        "--mode",
                        "auto|background|live|stop",
                        "background: the guest stops for about a millisecond. live: it runs while its memory is read"
                                + " again and again, and stops for the rest. stop: it stands still meanwhile. auto"
                                + " (default): the shortest pause that the VM allows.")
                .option(
                        "--after",
                        "resume|pause|quit",
                        "How the guest ends: as it was (default), paused, or its VMM ended.")
                .option(
                        "--on-pause",
                        "CMD",
                        "Run CMD by sh -c while the guest stands still, to snapshot its disks; the first line that it"
                                + " prints is kept as their id.")
                .repeatable("--label", "K=V", "A label to keep with the snapshot; may be repeated.")
                .option("--downtime-limit", "TIME", "live: the pause that ends it (default 300ms).")
                .option(
                        "--time-limit",
                        "TIME",
                        "live: how long it may take; else how long the VMM may send nothing (default 5m).")
                .option(
                        "--then",
                        "fail|stop",
                        "live, at the time limit: give up (default), or let the guest stand still.")
                .option("--rate", "BYTES/S", "How fast the VMM may send: 200M.")
                .option("--compression", "auto|none|zstd:LEVEL", "How pages are compressed (default auto).")
                .flag("--own-risk", "Go on with a VMM of a version that Dray was not tried with.")
                .examples(
                        "dray capture qemu:/run/vm1.qmp --repo /srv/dray --key-file ~/dray.key --name web1",
                        "dray capture qemu:/run/vm1.qmp --repo /srv/dray --name web1 --mode live --after quit",
                        "dray capture qemu:/run/vm1.qmp --repo /srv/dray --name web1 --on-pause ./snap-disks.sh",
                        "dray capture ch:/run/ch1.sock --repo /srv/dray --name web2")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        var rate = invocation.option("--rate");
        var capture = new Capture(
                invocation.positional(0),
                invocation.repository(),
                invocation.option("--name", ""),
                Values.word("--mode", invocation.option("--mode", "auto"), Capture.Mode.class),
                Values.word("--after", invocation.option("--after", "resume"), Capture.After.class),
                invocation.filled("--on-pause", "Give a command, or leave --on-pause out"),
                invocation.pairs("--label"),
                Values.duration("--downtime-limit", invocation.option("--downtime-limit", "300ms")),
                Values.duration("--time-limit", invocation.option("--time-limit", "5m")),
                Values.word("--then", invocation.option("--then", "fail"), Capture.Then.class),
                rate.isPresent() ? OptionalLong.of(Values.bytes("--rate", rate.get())) : OptionalLong.empty(),
                Compression.parse(invocation.option("--compression", "auto")),
                invocation.has("--own-risk"));
        return invocation.end(capture.run(invocation.progress()), CaptureCommand::print);
    }

    static void print(Captured captured, PrintStream out) {
        out.printf(
                "Captured %s@%d from %s as snapshot %s%n",
                captured.name(), captured.number(), captured.vmm(), captured.snapshot());
        out.print(Words.guest(captured.guest()));
        out.println(
                captured.guest() == GuestFate.RUNNING ? "; it stood still for " + Words.time(captured.pauseMs()) : "");
        out.printf("Mode %s: %s%n", captured.mode(), captured.modeReason());
        out.printf(
                "Memory %s, of it %s zero pages; %s were read, the snapshot references %s and added %s%n",
                Words.bytes(captured.memoryBytes()),
                Words.bytes(captured.zeroBytes()),
                Words.bytes(captured.readBytes()),
                Words.bytes(captured.storedBytes()),
                Words.bytes(captured.addedBytes()));
        times(captured.startMs(), captured.elapsedMs(), captured.phases(), out);
    }

    static void times(double startMs, double elapsedMs, List<Phase> phases, PrintStream out) {
        out.printf("%s to the first message to the VMM, %s from there", Words.time(startMs), Words.time(elapsedMs));
        String separator = ": ";
        for (Phase phase : phases) {
            out.printf("%s%s %s", separator, phase.name(), Words.time(phase.ms()));
            separator = ", ";
        }
        out.println();
    }
}
