package dev.dray.cli;

import dev.dray.Doctor;
import dev.dray.Examined;
import dev.dray.ExitCode;
import dev.dray.OperationException;
import dev.dray.error.DrayException;
import java.io.PrintStream;
import picocli.CommandLine.Model.CommandSpec;

/// `dray doctor`.
final class DoctorCommand implements Command {
    @Override
    public CommandSpec spec() {
        return Spec.of(
                        "doctor",
                        "Says what this host, and a VM, can do, and what to do about what they cannot.",
                        "Puts back what an earlier Dray that was killed had left changed in a VM.")
                .optionalPositional(
                        "VM",
                        "A VM to look at too: qemu:SOCKET with the path of its QMP socket, or ch:SOCKET with that of its API"
                                + " socket.")
                .examples("dray doctor", "dray doctor qemu:/run/vm1.qmp", "dray doctor ch:/run/ch1.sock")
                .done(
                        ExitCode.DONE,
                        ExitCode.FAILED,
                        ExitCode.USAGE,
                        ExitCode.REFUSED,
                        ExitCode.BUG,
                        ExitCode.INTERRUPTED,
                        ExitCode.TERMINATED);
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        var doctor = new Doctor(invocation.optionalPositional(0));
        return invocation.end(doctor.run(invocation.progress()), DoctorCommand::print);
    }

    private static void print(Examined examined, PrintStream out) {
        for (Examined.Finding finding : examined.findings()) {
            out.printf("%-3s  %s: %s%n", finding.ok() ? "ok" : "no", finding.subject(), finding.message());
            if (!finding.whatToDo().isEmpty()) {
                out.println("     " + finding.whatToDo());
            }
        }
        examined.putBack().forEach(out::println);
    }
}
