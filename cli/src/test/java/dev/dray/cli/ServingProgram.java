package dev.dray.cli;

import dev.dray.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;

/// The command `dray` with one subcommand, whose guest runs at once and needs it until a file is there.
final class ServingProgram {
    private ServingProgram() {}

    /// @param arguments `serve`, the file that says that the guest runs, the file that ends it, and options
    public static void main(String[] arguments) {
        var streams = new Streams();
        var stop = StopSignal.install(Thread.currentThread(), streams.err());
        Program.run(arguments, Surroundings.ofProcess(streams, stop), _ -> Optional.of(new Serve()));
        streams.out().flush();
        stop.ended();
    }

    private static final class Serve implements Command {
        @Override
        public CommandSpec spec() {
            return Spec.of("serve", "Serves.")
                    .positional("RUNS", "Made when the guest runs.")
                    .positional("END", "Awaited.")
                    .done();
        }

        @Override
        public ExitCode run(Invocation invocation) {
            try {
                invocation.progress().guestRuns();
                Files.createFile(Path.of(invocation.positional(0)));
                while (!Files.exists(Path.of(invocation.positional(1)))) {
                    Thread.sleep(10);
                    if (invocation.progress().cancelled()) {
                        throw new IllegalStateException("told to stop although a guest needs it");
                    }
                }
                invocation.output().out().println("served to the end");
                invocation.output().out().flush();
                return ExitCode.DONE;
            } catch (java.io.IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
