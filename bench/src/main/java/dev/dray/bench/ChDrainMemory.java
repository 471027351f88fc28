package dev.dray.bench;

import java.nio.file.Path;

/// The most memory that Dray held of its own while it restored guests of 1 and 4 GiB lazily, the guests' memory, which
/// is the VMM's, not counted. Argument: GiB.
public final class ChDrainMemory {
    private ChDrainMemory() {}

    public static void main(String[] args) throws Exception {
        long memoryBytes = (args.length > 0 ? Long.parseLong(args[0]) : 1) << 30;
        Samples mib = new Samples("MiB");
        try (Workplace at = Workplace.make()) {
            System.out.println("resident memory of dray restore --lazy, GiB: " + (memoryBytes >> 30) + ", half");
            System.out.println(Host.line() + "; built-in machine");
            Path repository = at.file("repository");
            var dray = new DrayCommand(at);
            dray.init(repository);
            try (ChMachine source =
                    ChMachine.running(at, memoryBytes, "--workload", "random", "--dirty-rate", "16000000")) {
                mib.add("capture", dray.capture(source, repository).residentKiB() / 1024.0);
            }
            for (int round = 0; round < Math.min(3, Workplace.rounds()); round++) {
                try (ChMachine target = ChMachine.waiting(at, memoryBytes)) {
                    mib.add(
                            "lazy restore",
                            dray.restore(target, repository, "--lazy").residentKiB() / 1024.0);
                }
            }
        }
        mib.print("");
    }
}
