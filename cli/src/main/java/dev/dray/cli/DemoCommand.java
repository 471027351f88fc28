package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.OperationException;
import dev.dray.error.DrayException;
import picocli.CommandLine.Model.CommandSpec;

/// `dray demo`.
final class DemoCommand implements Command {
    /// Whose virtual machine is captured.
    enum Vmm {
        /// A QEMU on the PATH, else the built-in machine.
        AUTO,
        QEMU,
        BUILTIN
    }

    @Override
    public CommandSpec spec() {
        return Spec.of(
                        "demo",
                        "Captures and restores a guest of its own, in under a minute, and says what that proves.",
                        "Needs no root and leaves nothing behind.")
                .option(
                        "--vmm",
                        "auto|qemu|builtin",
                        "Whose VM: a QEMU on the PATH, the built-in machine, or QEMU if there is one (default).")
                .examples("dray demo", "dray demo --vmm builtin")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        return DemoRun.run(Values.word("--vmm", invocation.option("--vmm", "auto"), Vmm.class), invocation);
    }
}
