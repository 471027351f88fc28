package dev.dray.bench;

import dev.dray.machine.guest.Fill;
import java.nio.file.Path;
import java.util.Locale;

/// A capture of a stopped guest of 1 GiB, encrypted and compressed, into a new repository each time, beside the same
/// QEMU
/// that saves itself in plain text to a synced file, and to nowhere. Arguments: `half` or `incompressible`; QEMU.
public final class CaptureStopped {
    private static final long MEMORY_BYTES = 1L << 30;

    private CaptureStopped() {}

    public static void main(String[] args) throws Exception {
        Fill fill = Fill.valueOf(args[0].toUpperCase(Locale.ROOT));
        Samples ms = new Samples("ms");
        try (Workplace at = Workplace.make();
                Guest guest = Guest.start(Workplace.qemu(args, 1), MEMORY_BYTES, Guest.quiet(MEMORY_BYTES, fill), at)) {
            guest.stop();
            System.out.println("capture of a stopped guest, 1 GiB, " + args[0]);
            System.out.println(Host.line() + "; " + guest.version());
            Path file = at.file("saved");
            for (int round = 0; round <= Workplace.rounds(); round++) {
                round(round > 0, guest, at, file, ms);
            }
        }
        ms.print("qemu into dd conv=fsync");
    }

    /// @param counts false for the first round, which warms caches
    private static void round(boolean counts, Guest guest, Workplace at, Path file, Samples ms) throws Exception {
        double saved = guest.save("dd of=" + file + " bs=1M conv=fsync 2>/dev/null", at.file("done"));
        java.nio.file.Files.delete(file);
        guest.standAgain();
        Path repository = at.file("repository");
        var dray = new DrayCommand(at);
        dray.init(repository);
        DrayCommand.Run run = dray.capture(guest.qemu().qmpSocket(), repository);
        Workplace.remove(repository);
        guest.standAgain();
        double nowhere = guest.save("cat >/dev/null", at.file("done"));
        guest.standAgain();
        if (counts) {
            ms.add("qemu into dd conv=fsync", saved);
            ms.add("dray capture, elapsed_ms", run.ms("elapsed_ms"));
            ms.addPhases(run);
            ms.add("dray capture, start_ms", run.ms("start_ms"));
            ms.add("dray capture, the whole command", run.wallMs());
            ms.add("qemu into /dev/null", nowhere);
        }
    }
}
