package dev.dray.machine;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dray.machine.guest.BareMetalGuest;
import dev.dray.machine.guest.GuestReport;
import dev.dray.machine.guest.Parameters;
import dev.dray.testbed.RealQemu;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;

/// Holds the suite itself to the truth.
@Tag("vmm")
class QemuDialectTest extends DialectConformance {
    private static final long MEMORY = 16 << 20;

    private final List<RealQemu> machines = new ArrayList<>();

    @Override
    Path start() throws Exception {
        Path image = directory.resolve("guest.img");
        Files.write(image, BareMetalGuest.image(Parameters.ofMemory(MEMORY).withDirtyRate(32 << 20)));
        RealQemu vm = start(List.of("-drive", "if=floppy,format=raw,readonly=on,file=" + image));
        GuestReport.awaitPasses(vm.serialLog(), 1, Duration.ofSeconds(30));
        return vm.qmpSocket();
    }

    @Override
    Path startIncoming() throws Exception {
        return start(List.of("-incoming", "defer")).qmpSocket();
    }

    private RealQemu start(List<String> more) throws Exception {
        assumeTrue(RealQemu.Version.V10.binary().isPresent(), "no QEMU 10.0");
        List<String> arguments = new ArrayList<>(List.of("-m", "16M", "-machine", "pc-i440fx-10.0"));
        arguments.addAll(more);
        RealQemu vm = RealQemu.start(RealQemu.Version.V10, arguments);
        machines.add(vm);
        return vm;
    }

    @AfterEach
    void close() throws Exception {
        for (RealQemu each : machines) {
            each.close();
        }
    }
}
