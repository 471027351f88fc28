package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.GuestFate;
import dev.dray.OperationException;
import dev.dray.Restore;
import dev.dray.Restored;
import dev.dray.error.DrayException;
import java.io.PrintStream;
import picocli.CommandLine.Model.CommandSpec;

/// `dray restore`.
final class RestoreCommand implements Command {
    @Override
    public CommandSpec spec() {
        Spec spec = Spec.of(
                        "restore",
                        "Brings a guest back into a VMM that waits for it.",
                        "The VMM is a QEMU started with -incoming defer and the same machine, or a Cloud Hypervisor"
                                + " without a VM; dray show --command prints how to start it. What differs is told"
                                + " before a byte is sent.")
                .positional("SNAPSHOT", "An id or at least 6 digits of one, NAME, or NAME@7.")
                .required(
                        "--into",
                        "VM",
                        "The waiting VM: qemu:SOCKET with the path of its QMP socket, or ch:SOCKET with that of its"
                                + " API socket.")
                .repositoryAndCopy()
                .repeatable(
                        "--map-block",
                        "FROM=TO",
                        "QEMU: a memory region that the waiting VM calls by another name: pc.ram=ram0; may be"
                                + " repeated.");
        return RestoreOptions.addTo(spec)
                .examples(
                        "dray restore web1 --repo /srv/dray --key-file ~/dray.key --into qemu:/run/new.qmp",
                        "dray restore web1@3 --repo /srv/dray --into qemu:/run/new.qmp --disks-restored vda=snap-17",
                        "dray restore 3fa9c1 --repo /srv/dray --into qemu:/run/new.qmp --paused --disks-unchecked",
                        "dray restore web2 --repo /srv/dray --into ch:/run/ch2.sock --lazy --set disks[0].path=/b.raw")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        var restore = new Restore(
                invocation.positional(0),
                invocation.repository(),
                invocation.option("--into", ""),
                invocation.has("--paused"),
                invocation.pairs("--map-block"),
                RestoreOptions.disks(invocation),
                RestoreOptions.memory(invocation),
                invocation.pairs("--set"),
                RestoreOptions.copy(invocation),
                invocation.has("--own-risk"));
        return invocation.end(restore.run(invocation.progress()), RestoreCommand::print);
    }

    static void print(Restored restored, PrintStream out) {
        out.printf(
                "Restored %s@%d (snapshot %s) into %s%n",
                restored.name(), restored.number(), restored.snapshot(), restored.vmm());
        String resumed = restored.guest() == GuestFate.PAUSED
                ? "it"
                : "it resumed after " + Words.time(restored.resumeMs()) + " and";
        out.printf(
                "%s; %s had all its memory after %s%n",
                Words.guest(restored.guest()), resumed, Words.time(restored.residentMs()));
        out.printf(
                "Memory %s, of it %s zero pages; %s were sent, from %s stored%n",
                Words.bytes(restored.memoryBytes()),
                Words.bytes(restored.zeroBytes()),
                Words.bytes(restored.readBytes()),
                Words.bytes(restored.storedBytes()));
        restored.served()
                .ifPresent(served -> out.printf(
                        "%,d requests, %,d of them before their page was there; half were answered within %s, 99 of"
                                + " 100 within %s, all within %s%n",
                        served.requests(),
                        served.faults(),
                        micros(served.p50Us()),
                        micros(served.p99Us()),
                        micros(served.maxUs())));
        CaptureCommand.times(restored.startMs(), restored.elapsedMs(), restored.phases(), out);
    }

    private static String micros(double us) {
        return us < 1000 ? Math.round(us) + " µs" : Words.time(us / 1000);
    }
}
