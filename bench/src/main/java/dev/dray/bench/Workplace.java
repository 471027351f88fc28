package dev.dray.bench;

import dev.dray.testbed.RealQemu.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/// A directory for what a measurement writes, on the disk that is measured; removed at the end. And the settings that
/// all measurements share.
record Workplace(Path directory) implements AutoCloseable {
    static Workplace make() throws IOException {
        String chosen = System.getenv("DRAY_BENCH_DIR");
        Path base = chosen != null ? Path.of(chosen) : home().resolve(".work").resolve("bench");
        Files.createDirectories(base);
        return new Workplace(Files.createTempDirectory(base, "run-"));
    }

    /// The checkout.
    static Path home() {
        return Path.of(System.getProperty("dray.home", ".")).toAbsolutePath();
    }

    static int rounds() {
        return Integer.parseInt(System.getenv().getOrDefault("DRAY_BENCH_ROUNDS", "5"));
    }

    /// `7`, `10` or `11`, by the argument at this place; 7 without.
    static Version qemu(String[] args, int at) {
        String word = args.length > at ? args[at] : "7";
        return Version.valueOf("V" + word);
    }

    Path file(String name) {
        return directory.resolve(name);
    }

    /// Removes a directory, or nothing.
    static void remove(Path tree) throws IOException {
        if (!Files.exists(tree)) {
            return;
        }
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    @Override
    public void close() throws IOException {
        remove(directory);
    }
}
