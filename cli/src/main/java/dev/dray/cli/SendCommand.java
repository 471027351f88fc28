package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.OperationException;
import dev.dray.Send;
import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import picocli.CommandLine.Model.CommandSpec;

/// `dray send`.
final class SendCommand implements Command {
    @Override
    public CommandSpec spec() {
        Spec spec = Spec.of(
                        "send",
                        "Feeds a snapshot to a VMM that was told to receive a migration.",
                        "For those who drive Cloud Hypervisor themselves: vm.receive-migration at the same address, then"
                                + " this; with --lazy the VMM's memory_mode is Postcopy. dray show --command prints"
                                + " the call.")
                .positional("SNAPSHOT", "An id or at least 6 digits of one, NAME, or NAME@7.")
                .required("--connect", "ADDRESS", "Where the VMM listens: unix:PATH or tcp:HOST:PORT.")
                .repositoryAndCopy();
        spec.option(
                "--connections",
                "N",
                "Connections for memory that cannot be handed over by file descriptor, 1 to 128 (default: as many as help).");
        return RouteOptions.addTo(RestoreOptions.addTo(spec))
                .examples(
                        "dray send web1 --repo /srv/dray --key-file ~/dray.key --connect unix:/run/ch/m.sock",
                        "dray send web1@3 --repo /srv/dray --connect unix:/run/ch/m.sock --lazy",
                        "dray send web1 --repo /srv/dray --connect tcp:10.0.0.3:9000 --tls-dir /etc/ch-tls"
                                + " --connections 4")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        var send = new Send(
                invocation.positional(0),
                invocation.repository(),
                RouteOptions.read("--connect", invocation),
                invocation.has("--paused"),
                connections(invocation),
                RestoreOptions.disks(invocation),
                RestoreOptions.memory(invocation),
                invocation.pairs("--set"),
                RestoreOptions.copy(invocation),
                invocation.has("--own-risk"));
        return invocation.end(send.run(invocation.progress()), RestoreCommand::print);
    }

    private static int connections(Invocation invocation) throws UsageException {
        var given = invocation.option("--connections");
        if (given.isEmpty()) {
            return 0;
        }
        int connections = Values.count("--connections", given.get());
        if (connections < 1 || connections > Send.CONNECTIONS_MAX) {
            throw new UsageException(connections + " connections are not possible", "Use 1 to " + Send.CONNECTIONS_MAX);
        }
        return connections;
    }
}
