package dev.dray.cli;

import dev.dray.Dray;
import dev.dray.ExitCode;
import java.io.PrintStream;

/// The command `dray`, as a process: its streams, its signals, its exit code.
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        if (arguments.length == 1 && (arguments[0].equals("--version") || arguments[0].equals("-V"))) {
            System.out.println("dray " + Dray.VERSION); // before any library is loaded: scripts ask this often
            return;
        }
        var streams = new Streams();
        var stop = StopSignal.install(Thread.currentThread(), streams.err());
        int code = Program.run(arguments, Surroundings.ofProcess(streams, stop));
        if (streams.out().checkError() && !stop.came()) { // which flushes
            streams.err().println("dray: the result could not be written to stdout");
            code = code == 0 ? ExitCode.FAILED.number() : code;
        }
        stop.ended();
        if (!stop.came()) { // else the JVM is ending already, with 128 + the signal's number
            System.exit(code);
        }
    }

    /// Runs one command without a terminal and returns its exit code; [Training] runs several in one process.
    static int run(PrintStream out, PrintStream err, String... arguments) {
        return Program.run(arguments, Surroundings.ofTraining(out, err));
    }
}
