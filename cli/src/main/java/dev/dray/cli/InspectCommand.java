package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.Inspect;
import dev.dray.Inspected;
import dev.dray.OperationException;
import dev.dray.error.DrayException;
import java.io.PrintStream;
import picocli.CommandLine.Model.CommandSpec;

/// `dray inspect`.
final class InspectCommand implements Command {
    @Override
    public CommandSpec spec() {
        return Spec.of(
                        "inspect",
                        "Prints any stream or file of Dray's own or of a VMM, also a damaged one, up to where.",
                        "Knows QEMU's migration streams and all objects of a repository: packs, manifests, key slots,"
                                + " the configuration; of a key file it says only whether it is whole. Sealed parts are"
                                + " opened with the repository's key.")
                .positional("FILE", "The file, or - for standard input.")
                .optionalRepository("The repository that the file belongs to, if it does not lie in it (DRAY_REPO).")
                .examples(
                        "dray inspect vm1.migration",
                        "dray inspect /srv/dray/config/repository",
                        "dray inspect /srv/dray/snapshots/3fa9c1*.0 --key-file ~/dray.key --json")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        var place = RepositoryArguments.place(invocation);
        var key = RepositoryArguments.keySource(invocation, "Passphrase");
        var inspect = new Inspect(invocation.positional(0), invocation.around().in(), place, key);
        return invocation.end(inspect.run(invocation.progress()), InspectCommand::print);
    }

    private static void print(Inspected inspected, PrintStream out) {
        var outline = inspected.description().deepCopy();
        outline.remove("why"); // told below
        inspected.text().ifPresentOrElse(out::println, () -> Tree.print(outline, out));
        inspected.damage().ifPresent(damage -> out.println("Damaged: " + damage));
    }
}
