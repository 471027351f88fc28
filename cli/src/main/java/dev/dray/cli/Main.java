package dev.dray.cli;

import dev.dray.Dray;
import dev.dray.ExitCode;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/// The command `dray`, as a process: its streams, its signals, its exit code.
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        if (arguments.length == 1 && (arguments[0].equals("--version") || arguments[0].equals("-V"))) {
            System.out.println("dray " + Dray.VERSION); // before any library is loaded: scripts ask this often
            return;
        }
        PrintStream out = new PrintStream(
                new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)), false, StandardCharsets.UTF_8);
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        var stop = StopSignal.install(Thread.currentThread(), err);
        int code = Program.run(arguments, Surroundings.ofProcess(out, err, stop::isRequested));
        if (out.checkError()) { // which flushes
            err.println("dray: the result could not be written to stdout");
            code = code == 0 ? ExitCode.FAILED.number() : code;
        }
        stop.ended();
        if (!stop.isRequested()) { // else the JVM is ending already, with 128 + the signal's number
            System.exit(code);
        }
    }

    /// Runs one command without a terminal and returns its exit code; [Training] runs several in one process.
    static int run(PrintStream out, PrintStream err, String... arguments) {
        return Program.run(arguments, Surroundings.ofTraining(out, err));
    }
}
