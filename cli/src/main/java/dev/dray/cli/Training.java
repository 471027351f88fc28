package dev.dray.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;

/// What the JVM is shown when Dray is built, so that it starts fast later (`tools/build`): each kind of command once.
/// Its output and its exit codes mean nothing.
final class Training {
    private Training() {}

    /// @param args the kind of command to learn, as `./dray` tells them apart: `short` or `mover`
    public static void main(String[] args) throws IOException {
        try (var nowhere = new PrintStream(OutputStream.nullOutputStream())) {
            Main.run(nowhere, nowhere, "--version");
        }
    }
}
