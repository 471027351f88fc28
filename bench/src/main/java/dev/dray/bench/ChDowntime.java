package dev.dray.bench;

import java.nio.file.Path;
import java.util.concurrent.Future;

/// How long a guest of 512 MiB, which writes 24 MB/s, stands still at the end of its way over TCP, by the VMM that
/// sends
/// it: to another VMM, where it goes on, and to Dray, which has stored and synced it by then.
public final class ChDowntime {
    private static final long MEMORY_BYTES = 512L << 20;

    private ChDowntime() {}

    public static void main(String[] args) throws Exception {
        Samples ms = new Samples("ms");
        try (Workplace at = Workplace.make()) {
            System.out.println("downtime of a guest of 512 MiB, half, 24 MB/s written, over TCP");
            System.out.println(Host.line() + "; built-in machine");
            for (int round = 0; round <= Workplace.rounds(); round++) {
                double there = toMachine(at);
                double stored = toDray(at);
                if (round > 0) {
                    ms.add("VMM to VMM", there);
                    ms.add("VMM to dray receive", stored);
                }
            }
        }
        ms.print("VMM to VMM");
    }

    private static ChMachine source(Workplace at) throws Exception {
        return ChMachine.running(at, MEMORY_BYTES, "--workload", "hot", "--dirty-rate", "24000000");
    }

    private static double toMachine(Workplace at) throws Exception {
        int port = Ports.free();
        try (ChMachine source = source(at);
                ChMachine target = ChMachine.waiting(at, MEMORY_BYTES)) {
            Future<?> receiving = target.calls()
                    .putLater("vm.receive-migration", "{\"receiver_url\":\"tcp:127.0.0.1:" + port + "\"}");
            Ports.awaitListener(port, receiving);
            ChReceive.send(source, port, 1);
            return source.timing("stood_ms");
        }
    }

    private static double toDray(Workplace at) throws Exception {
        Path repository = at.file("repository");
        var dray = new DrayCommand(at);
        dray.init(repository);
        try (ChMachine source = source(at)) {
            ChReceive.receive(dray, Ports.free(), repository, source, 1);
            return source.timing("stood_ms");
        } finally {
            Workplace.remove(repository);
        }
    }
}
