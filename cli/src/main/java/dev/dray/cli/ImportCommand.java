package dev.dray.cli;

import dev.dray.Compression;
import dev.dray.ExitCode;
import dev.dray.Import;
import dev.dray.Imported;
import dev.dray.OperationException;
import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;

/// `dray import`.
final class ImportCommand implements Command {
    @Override
    public CommandSpec spec() {
        return Spec.of(
                        "import",
                        "Reads a snapshot that somebody else took, to be restored like any other.",
                        "Knows the directories that Cloud Hypervisor's vm.snapshot writes, and those of its"
                                + " offload_daemon. Disks are not part of them.")
                .positional("DIR", "The directory.")
                .repository()
                .required("--name", "N", "The guest's name in the repository; its snapshots are numbered.")
                .repeatable("--label", "K=V", "A label to keep with the snapshot; may be repeated.")
                .option("--compression", "auto|none|zstd:LEVEL", "How pages are compressed (default auto).")
                .examples("dray import /var/lib/ch/snap1 --repo /srv/dray --key-file ~/dray.key --name web1")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        String place = invocation.positional(0);
        if (place.equals("-") || Files.isRegularFile(Path.of(place))) {
            throw new UsageException(
                    "Import of a file is not in this release", "Name the directory of a snapshot of Cloud Hypervisor");
        }
        var operation = new Import(
                Path.of(place),
                invocation.repository(),
                invocation.option("--name", ""),
                invocation.pairs("--label"),
                Compression.parse(invocation.option("--compression", "auto")));
        return invocation.end(operation.run(invocation.progress()), ImportCommand::print);
    }

    private static void print(Imported imported, PrintStream out) {
        out.printf(
                "Imported %s@%d from a directory of %s as snapshot %s%n",
                imported.name(), imported.number(), imported.form(), imported.snapshot());
        out.printf(
                "Memory %s, of it %s zero pages; the snapshot references %s and added %s, in %s%n",
                Words.bytes(imported.memoryBytes()),
                Words.bytes(imported.zeroBytes()),
                Words.bytes(imported.storedBytes()),
                Words.bytes(imported.addedBytes()),
                Words.time(imported.elapsedMs()));
    }
}
