package dev.dray.bench;

import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.Parameters;
import dev.dray.testbed.RealQemu.Version;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import tools.jackson.databind.JsonNode;

/// How long a running guest of 1 GiB stands still for a capture in mode `background`, beside QEMU's own background
/// snapshot into nowhere: from QEMU's event STOP to its event RESUME. Argument: QEMU.
public final class BackgroundPause {
    private static final long MEMORY_BYTES = 1L << 30;
    private static final int ROUNDS_FACTOR = 2;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private BackgroundPause() {}

    public static void main(String[] args) throws Exception {
        Version version = Workplace.qemu(args, 0);
        Parameters parameters = Guest.quiet(MEMORY_BYTES, Fill.HALF);
        Samples ms = new Samples("ms");
        try (Workplace at = Workplace.make();
                Guest guest = Guest.start(version, MEMORY_BYTES, parameters, at)) {
            System.out.println("pause of a background capture, 1 GiB, half");
            System.out.println(Host.line() + "; " + guest.version());
            var dray = new DrayCommand(at);
            Path repository = at.file("repository");
            for (int round = 0; round <= ROUNDS_FACTOR * Workplace.rounds(); round++) {
                double alone = ownSnapshot(guest, at);
                dray.init(repository);
                DrayCommand.Run run = dray.capture(guest.qemu().qmpSocket(), repository, "--mode", "background");
                Workplace.remove(repository);
                if (round > 0) {
                    ms.add("qemu background-snapshot, pause", alone);
                    ms.add("dray capture --mode background, pause_ms", run.ms("pause_ms"));
                    ms.add("dray more than qemu", run.ms("pause_ms") - alone);
                }
            }
        }
        ms.print("qemu background-snapshot, pause");
    }

    private static double ownSnapshot(Guest guest, Workplace at) throws IOException, InterruptedException {
        while (guest.qemu().qmp().event("RESUME", Duration.ofMillis(1)) != null) {
            // what the capture before this left
        }
        guest.capability("background-snapshot", true);
        guest.save("cat >/dev/null", at.file("done"));
        double stopped = ms(guest, "STOP");
        double resumed = ms(guest, "RESUME");
        guest.capability("background-snapshot", false);
        return resumed - stopped;
    }

    private static double ms(Guest guest, String name) throws IOException {
        JsonNode event = guest.qemu().qmp().event(name, PATIENCE);
        if (event == null) {
            throw new IOException("no event " + name);
        }
        JsonNode time = event.path("timestamp");
        return time.path("seconds").asLong() * 1e3 + time.path("microseconds").asLong() / 1e3;
    }
}
