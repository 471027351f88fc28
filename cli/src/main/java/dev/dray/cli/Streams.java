package dev.dray.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Standard output and standard error of this process, which can be given back while the process goes on: whoever waits
/// for their end gets it.
final class Streams {
    private final FileOutputStream rawOut = new FileOutputStream(FileDescriptor.out);
    private final FileOutputStream rawErr = new FileOutputStream(FileDescriptor.err);
    private final Turnable results = new Turnable(rawOut);
    private final Turnable messages = new Turnable(rawErr);
    private final PrintStream out = new PrintStream(new BufferedOutputStream(results), false, StandardCharsets.UTF_8);
    private final PrintStream err = new PrintStream(messages, true, StandardCharsets.UTF_8);

    PrintStream out() {
        return out;
    }

    PrintStream err() {
        return err;
    }

    /// What is printed from now on goes into a file.
    void giveBack(Path log) throws IOException {
        out.flush();
        var file = new FileOutputStream(log.toFile(), true);
        results.turn(file);
        messages.turn(file);
        rawOut.close(); // the JDK puts /dev/null in the descriptor's place
        rawErr.close();
    }

    private static final class Turnable extends OutputStream {
        private OutputStream to;

        Turnable(OutputStream to) {
            this.to = to;
        }

        synchronized void turn(OutputStream other) {
            to = other;
        }

        @Override
        public synchronized void write(int b) throws IOException {
            to.write(b);
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int count) throws IOException {
            to.write(bytes, offset, count);
        }
    }
}
