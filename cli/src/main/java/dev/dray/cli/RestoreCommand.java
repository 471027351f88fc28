package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.OperationException;
import dev.dray.Restore;
import dev.dray.Restored;
import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Stack;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;

/// `dray restore`.
final class RestoreCommand implements Command {
    @Override
    public CommandSpec spec() {
        return Spec.of(
                        "restore",
                        "Brings a guest back into a VMM that waits for it.",
                        "The VMM is a QEMU started with -incoming defer and the same machine; dray show --command"
                                + " prints its command line. What differs is told before a byte is sent.")
                .positional("SNAPSHOT", "An id or at least 6 digits of one, NAME, or NAME@7.")
                .required("--into", "VM", "The waiting VM: qemu:SOCKET with the path of its QMP socket.")
                .repository()
                .flag("--paused", "Leave the guest paused.")
                .repeatable(
                        "--map-block",
                        "FROM=TO",
                        "A memory region that the waiting VM calls by another name: pc.ram=ram0; may be repeated.")
                .optionalValues(
                        "--disks-restored",
                        "NODE=ID",
                        RestoreCommand::takePairs,
                        "The guest's disks are back as they were: all of them, or each NODE from disk snapshot ID.")
                .flag("--disks-unchecked", "Restore whatever has become of the disks: this can destroy file systems.")
                .flag("--lazy", "Resume at once and bring memory as it is touched (not in this release).")
                .examples(
                        "dray restore web1 --repo /srv/dray --key-file ~/dray.key --into qemu:/run/new.qmp",
                        "dray restore web1@3 --repo /srv/dray --into qemu:/run/new.qmp --disks-restored vda=snap-17",
                        "dray restore 3fa9c1 --repo /srv/dray --into qemu:/run/new.qmp --paused --disks-unchecked")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        if (invocation.has("--lazy")) {
            throw new UsageException(
                    "Lazy restore is not in this release", "Leave --lazy out: all memory is sent first");
        }
        var restore = new Restore(
                invocation.positional(0),
                invocation.repository(),
                invocation.option("--into", ""),
                invocation.has("--paused"),
                invocation.pairs("--map-block"),
                disks(invocation));
        return invocation.end(restore.run(invocation.progress()), RestoreCommand::print);
    }

    private static Restore.DisksCheck disks(Invocation invocation) throws UsageException {
        boolean putBack = invocation.has("--disks-restored");
        boolean unchecked = invocation.has("--disks-unchecked");
        if (putBack && unchecked) {
            throw new UsageException(
                    "--disks-restored and --disks-unchecked contradict each other", "Give one of them");
        }
        if (putBack) {
            return new Restore.DisksCheck.PutBack(invocation.pairs("--disks-restored"));
        }
        return unchecked ? new Restore.DisksCheck.Unchecked() : new Restore.DisksCheck.Nothing();
    }

    /// Takes the arguments that look like `NODE=ID`, so that a snapshot's name may follow the option.
    @SuppressWarnings("JdkObsolete") // picocli gives a Stack
    private static void takePairs(Stack<String> arguments, ArgSpec option, CommandSpec command) {
        List<String> before = option.getValue();
        var pairs = before == null ? new ArrayList<String>() : new ArrayList<>(before);
        while (!arguments.isEmpty()
                && arguments.peek().indexOf('=') > 0
                && !arguments.peek().startsWith("-")) {
            pairs.add(arguments.pop());
        }
        option.setValue(pairs);
    }

    static void print(Restored restored, PrintStream out) {
        out.printf(
                "Restored %s@%d (snapshot %s) into %s%n",
                restored.name(), restored.number(), restored.snapshot(), restored.vmm());
        out.printf(
                "%s; it resumed after %s and had all its memory after %s%n",
                Words.guest(restored.guest()), Words.time(restored.resumeMs()), Words.time(restored.residentMs()));
        out.printf(
                "Memory %s, of it %s zero pages; %s were sent, from %s stored%n",
                Words.bytes(restored.memoryBytes()),
                Words.bytes(restored.zeroBytes()),
                Words.bytes(restored.readBytes()),
                Words.bytes(restored.storedBytes()));
        CaptureCommand.times(restored.startMs(), restored.elapsedMs(), restored.phases(), out);
    }
}
