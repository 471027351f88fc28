package dev.dray.bench;

import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.Parameters;
import dev.dray.testbed.RealQemu.Version;
import java.nio.file.Path;

/// An eager restore of a guest of 1 GiB, until it runs, beside a QEMU that loads its own file; both read from the page
/// cache. Argument: QEMU.
public final class RestoreEager {
    private static final long MEMORY_BYTES = 1L << 30;

    /// What a load needs of memory, for the guest and for buffers.
    private static final long TOUCHED_BYTES = MEMORY_BYTES * 5 / 4;

    private RestoreEager() {}

    public static void main(String[] args) throws Exception {
        Version version = Workplace.qemu(args, 0);
        Parameters parameters = Guest.quiet(MEMORY_BYTES, Fill.HALF);
        Samples ms = new Samples("ms");
        try (Workplace at = Workplace.make()) {
            Path file = at.file("saved");
            Path repository = at.file("repository");
            var dray = new DrayCommand(at);
            dray.init(repository);
            try (Guest guest = Guest.start(version, MEMORY_BYTES, parameters, at)) {
                System.out.println("eager restore to the guest running, 1 GiB, half");
                System.out.println(Host.line() + "; " + guest.version());
                dray.capture(guest.qemu().qmpSocket(), repository, "--mode", "stop");
                guest.save("cat >" + file, at.file("done"));
            }
            for (int round = 0; round <= Workplace.rounds(); round++) {
                double loaded;
                Host.touchMemory(TOUCHED_BYTES);
                try (Guest target = Guest.waiting(version, MEMORY_BYTES, parameters, at)) {
                    loaded = target.load("cat " + file);
                }
                DrayCommand.Run run;
                Host.touchMemory(TOUCHED_BYTES);
                try (Guest target = Guest.waiting(version, MEMORY_BYTES, parameters, at)) {
                    run = dray.restore("bench", repository, target.qemu().qmpSocket());
                }
                if (round > 0) {
                    ms.add("qemu -incoming exec:cat", loaded);
                    ms.add("dray restore, elapsed_ms", run.ms("elapsed_ms"));
                    ms.addPhases(run);
                    ms.add("dray restore, start_ms", run.ms("start_ms"));
                    ms.add("dray restore, the whole command", run.wallMs());
                }
            }
        }
        ms.print("qemu -incoming exec:cat");
    }
}
