package dev.dray.bench;

import java.nio.file.Path;

/// How many requests do not find their page when a guest of 512 MiB that visits its memory in a scattered order is
/// restored lazily: without a working set, and then with the one that was recorded so.
public final class ChWorkingSet {
    private static final long MEMORY_BYTES = 512L << 20;

    private ChWorkingSet() {}

    public static void main(String[] args) throws Exception {
        Samples requests = new Samples("requests");
        try (Workplace at = Workplace.make()) {
            System.out.println("lazy restores of a guest of 512 MiB, half, at random, 16 MB/s");
            System.out.println(Host.line() + "; built-in machine");
            Path repository = at.file("repository");
            var dray = new DrayCommand(at);
            dray.init(repository);
            try (ChMachine source =
                    ChMachine.running(at, MEMORY_BYTES, "--workload", "random", "--dirty-rate", "16000000")) {
                dray.capture(source, repository);
            }
            for (int round = 0; round < Workplace.rounds(); round++) {
                requests.add("first, misses", misses(dray, at, repository, "--lazy", "--prefetch", "none"));
                requests.add("second, misses", misses(dray, at, repository, "--lazy"));
            }
        }
        requests.print("first, misses");
    }

    private static double misses(DrayCommand dray, Workplace at, Path repository, String... how) throws Exception {
        try (ChMachine target = ChMachine.waiting(at, MEMORY_BYTES)) {
            return dray.restore(target, repository, how).ms("faults");
        }
    }
}
