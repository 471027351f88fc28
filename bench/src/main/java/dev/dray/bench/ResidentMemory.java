package dev.dray.bench;

import dev.dray.machine.guest.Fill;
import java.nio.file.Path;

/// The most memory that `dray capture` of a guest of 4 GiB held. Argument: QEMU.
public final class ResidentMemory {
    private static final long MEMORY_BYTES = 4L << 30;

    private ResidentMemory() {}

    public static void main(String[] args) throws Exception {
        Samples mib = new Samples("MiB");
        try (Workplace at = Workplace.make();
                Guest guest =
                        Guest.start(Workplace.qemu(args, 0), MEMORY_BYTES, Guest.quiet(MEMORY_BYTES, Fill.HALF), at)) {
            guest.stop();
            System.out.println("resident memory of dray capture, 4 GiB of which the guest uses 3, half");
            System.out.println(Host.line() + "; " + guest.version());
            Path repository = at.file("repository");
            var dray = new DrayCommand(at);
            for (int round = 0; round < Math.min(3, Workplace.rounds()); round++) {
                dray.init(repository);
                mib.add(
                        "first capture",
                        dray.capture(guest.qemu().qmpSocket(), repository).residentKiB() / 1024.0);
                guest.standAgain();
                mib.add(
                        "second capture",
                        dray.capture(guest.qemu().qmpSocket(), repository).residentKiB() / 1024.0);
                guest.standAgain();
                Workplace.remove(repository);
            }
        }
        mib.print("");
    }
}
