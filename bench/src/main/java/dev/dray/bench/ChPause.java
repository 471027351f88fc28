package dev.dray.bench;

import java.nio.file.Files;
import java.nio.file.Path;

/// How long a running guest of 512 MiB, which writes 24 MB/s, stands still for a capture, and how long that takes in
/// all;
/// beside a peer that copies the same memory file into synced plain files while the guest stands still, as Cloud
/// Hypervisor's own daemon does.
public final class ChPause {
    private static final long MEMORY_BYTES = 512L << 20;

    private ChPause() {}

    public static void main(String[] args) throws Exception {
        Samples ms = new Samples("ms");
        try (Workplace at = Workplace.make();
                ChMachine source =
                        ChMachine.running(at, MEMORY_BYTES, "--workload", "hot", "--dirty-rate", "24000000")) {
            System.out.println("capture of a running guest of 512 MiB by its memory files, half, 24 MB/s written");
            System.out.println(Host.line() + "; built-in machine");
            Path repository = at.file("repository");
            var dray = new DrayCommand(at);
            for (int round = 0; round <= Workplace.rounds(); round++) {
                double[] plain = plain(source, at);
                dray.init(repository);
                DrayCommand.Run run = dray.capture(source, repository);
                Workplace.remove(repository);
                if (round > 0) {
                    ms.add("plain copy, pause", plain[0]);
                    ms.add("dray, pause_ms", run.ms("pause_ms"));
                    ms.add("plain copy, total", plain[1]);
                    ms.add("dray, elapsed_ms", run.ms("elapsed_ms"));
                    ms.addPhases(run);
                    ms.add("dray, start_ms", run.ms("start_ms"));
                }
            }
        }
        ms.print("plain copy, total");
        System.out.printf(
                "pause, dray beside plain copy, median of the rounds' ratios: %.2f%n",
                ms.ratio("dray, pause_ms", "plain copy, pause"));
    }

    /// @return pause and total
    private static double[] plain(ChMachine source, Workplace at) throws Exception {
        Path socket = at.file("plain.sock");
        try (var receiver = PlainReceiver.unix(socket)) {
            source.send("{\"destination_url\":\"unix:" + socket + "\",\"local\":true,\"preserve_source\":true}");
            SavedGuest saved = receiver.save(at.directory());
            source.resume();
            long end = System.nanoTime();
            for (var slot : saved.slots()) {
                Files.delete(saved.file(slot));
            }
            return new double[] {(end - receiver.configAnsweredAt()) / 1e6, (end - receiver.startedAt()) / 1e6};
        } finally {
            Files.deleteIfExists(socket);
        }
    }
}
