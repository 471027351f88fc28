package dev.dray.cli;

import dev.dray.Compression;
import dev.dray.ExitCode;
import dev.dray.OperationException;
import dev.dray.Receive;
import dev.dray.error.DrayException;
import picocli.CommandLine.Model.CommandSpec;

/// `dray receive`.
final class ReceiveCommand implements Command {
    @Override
    public CommandSpec spec() {
        Spec spec = Spec.of(
                        "receive",
                        "Waits for a VMM that was told to migrate here, and keeps its guest.",
                        "For those who drive Cloud Hypervisor themselves: start this, then vm.send-migration to the"
                                + " same address, by memory file descriptors, pre-copy or post-copy. How the guest"
                                + " ends is what the VMM was told.")
                .required("--listen", "ADDRESS", "Where to listen: unix:PATH or tcp:HOST:PORT.")
                .repository()
                .required("--name", "N", "The guest's name in the repository; its snapshots are numbered.");
        return RouteOptions.addTo(spec)
                .repeatable("--label", "K=V", "A label to keep with the snapshot; may be repeated.")
                .option("--compression", "auto|none|zstd:LEVEL", "How pages are compressed (default auto).")
                .examples(
                        "dray receive --listen unix:/run/dray/m.sock --repo /srv/dray --name web1",
                        "dray receive --listen tcp:10.0.0.2:9000 --tls-dir /etc/ch-tls --repo /srv/dray --name web1")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        var receive = new Receive(
                RouteOptions.read("--listen", invocation),
                invocation.repository(),
                invocation.option("--name", ""),
                invocation.pairs("--label"),
                Compression.parse(invocation.option("--compression", "auto")));
        return invocation.end(receive.run(invocation.progress()), CaptureCommand::print);
    }
}
