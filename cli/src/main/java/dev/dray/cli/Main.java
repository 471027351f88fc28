package dev.dray.cli;

import dev.dray.Dray;
import java.io.PrintStream;

/// The command `dray`.
public final class Main {
    private Main() {}

    /// Runs one command and ends the process with its exit code.
    ///
    /// @param args as typed
    public static void main(String[] args) {
        System.exit(run(System.out, System.err, args));
    }

    /// Runs one command and returns its exit code; [Training] runs several in one process.
    static int run(PrintStream out, PrintStream err, String... args) {
        // Answered before the parser is loaded.
        if (args.length == 1 && (args[0].equals("--version") || args[0].equals("-V"))) {
            out.println("dray " + Dray.VERSION);
            return 0;
        }
        err.println("usage: dray --version");
        return 2;
    }
}
