package dev.dray.cli;

import dev.dray.machine.BuiltinMachine;
import dev.dray.machine.MachineOptions;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/// What the JVM is shown when Dray is built, so that it starts fast later (`tools/build`): commands of each kind, run
/// once. What they print and how they end means nothing; whatever they load is in the cache.
final class Training {
    private Training() {}

    /// @param args the kind of command to learn, as `./dray` tells them apart: `short` or `mover`
    public static void main(String[] args) throws IOException {
        Path directory = Files.createTempDirectory("dray-training-");
        try {
            String repository = directory.resolve("repository").toString();
            String key = directory.resolve("key").toString();
            System.setProperty("dray.state", directory.resolve("state").toString());
            run("--version");
            onRepository(repository, key, "init");
            switch (args[0]) {
                case "short" -> {
                    onRepository(repository, key, "list");
                    onRepository(repository, key, "list", "--json");
                    onRepository(repository, key, "show", "none");
                    run("doctor");
                }
                case "mover" -> {
                    run("demo", "--vmm", "builtin");
                    cloudHypervisor(directory, repository, key);
                    onRepository(repository, key, "verify");
                }
                default -> throw new IllegalArgumentException("Kind " + args[0]);
            }
        } finally {
            remove(directory);
        }
    }

    /// A guest's first step after a lazy restore comes a few milliseconds after Dray's first word: nothing on that way
    /// may be met for the first time.
    private static void cloudHypervisor(Path directory, String repository, String key) {
        Path from = directory.resolve("from");
        try (var _ = BuiltinMachine.start(MachineOptions.cloudHypervisor(from))) {
            onRepository(repository, key, "capture", "ch:" + from, "--name", "trained");
        }
        for (List<String> how : List.of(List.of("--lazy"), List.<String>of())) {
            Path to = directory.resolve("to" + how.size());
            try (var _ = BuiltinMachine.start(MachineOptions.cloudHypervisor(to).incoming())) {
                List<String> line = new ArrayList<>(List.of("restore", "trained", "--into", "ch:" + to));
                line.addAll(how);
                onRepository(repository, key, line.toArray(String[]::new));
            }
        }
    }

    private static void onRepository(String repository, String key, String... command) {
        List<String> line = new ArrayList<>(List.of(command));
        line.addAll(List.of("--repo", repository, "--key-file", key));
        run(line.toArray(String[]::new));
    }

    private static int run(String... command) {
        try (var nowhere = new PrintStream(OutputStream.nullOutputStream())) {
            return Main.run(nowhere, nowhere, command);
        }
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
