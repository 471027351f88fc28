package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.OperationException;
import dev.dray.error.DrayException;
import picocli.CommandLine.Model.CommandSpec;

/// One subcommand: its flags and help, and what it does with them.
interface Command {
    CommandSpec spec();

    ExitCode run(Invocation invocation) throws OperationException, DrayException;
}
