package dev.dray.bench;

import java.nio.file.Path;

/// An eager restore of a guest of 512 MiB to the guest running, beside a peer that copies plain files into the same
/// kind
/// of memory with all cores; both read from the page cache.
public final class ChRestore {
    private static final long MEMORY_BYTES = 512L << 20;

    /// What a load needs of memory, for the guest and for buffers.
    private static final long TOUCHED_BYTES = MEMORY_BYTES * 5 / 4;

    private ChRestore() {}

    public static void main(String[] args) throws Exception {
        Samples ms = new Samples("ms");
        try (Workplace at = Workplace.make()) {
            System.out.println("eager restore to the guest running, 512 MiB, half");
            System.out.println(Host.line() + "; built-in machine");
            Path repository = at.file("repository");
            var dray = new DrayCommand(at);
            SavedGuest saved = ChLazy.save(at, dray, repository, MEMORY_BYTES, "hot");
            for (int round = 0; round <= Workplace.rounds(); round++) {
                double plain;
                Host.touchMemory(TOUCHED_BYTES);
                try (ChMachine target = ChMachine.waiting(at, MEMORY_BYTES);
                        PlainSender sender = new PlainSender(saved)) {
                    plain = sender.eager(target, at.file("plain.sock"));
                }
                DrayCommand.Run run;
                Host.touchMemory(TOUCHED_BYTES);
                try (ChMachine target = ChMachine.waiting(at, MEMORY_BYTES)) {
                    run = dray.restore(target, repository);
                }
                if (round > 0) {
                    ms.add("plain copy", plain);
                    ms.add("dray restore, resume_ms", run.ms("resume_ms"));
                    ms.addPhases(run);
                    ms.add("dray restore, start_ms", run.ms("start_ms"));
                }
            }
        }
        ms.print("plain copy");
    }
}
