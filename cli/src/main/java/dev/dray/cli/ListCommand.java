package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.ListSnapshots;
import dev.dray.Listed;
import dev.dray.OperationException;
import dev.dray.error.DrayException;
import java.io.PrintStream;
import java.time.temporal.ChronoUnit;
import picocli.CommandLine.Model.CommandSpec;

/// `dray list`.
final class ListCommand implements Command {
    /// Digits of an id in the table; more than are needed to name a snapshot.
    private static final int ID_DIGITS = 12;

    @Override
    public CommandSpec spec() {
        return Spec.of("list", "Lists the snapshots of a repository, oldest first.")
                .repository()
                .examples("dray list --repo /srv/dray --key-file ~/dray.key", "dray list --repo /srv/dray --json")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        Listed listed = new ListSnapshots(invocation.repository()).run(invocation.progress());
        listed.damaged().forEach(invocation.progress()::warning);
        return invocation.end(listed, ListCommand::print);
    }

    private static void print(Listed listed, PrintStream out) {
        if (listed.snapshots().isEmpty()) {
            out.println("No snapshots");
            return;
        }
        var table = new Table("ID", "SNAPSHOT", "TAKEN", "VMM", ">MEMORY", ">STORED", "MODE");
        for (Listed.Entry entry : listed.snapshots()) {
            table.row(
                    entry.id().substring(0, Math.min(ID_DIGITS, entry.id().length())),
                    entry.name() + "@" + entry.number(),
                    entry.taken().truncatedTo(ChronoUnit.SECONDS).toString(),
                    entry.vmm(),
                    Words.bytes(entry.memoryBytes()),
                    Words.bytes(entry.storedBytes()),
                    entry.mode());
        }
        table.print(out);
    }
}
