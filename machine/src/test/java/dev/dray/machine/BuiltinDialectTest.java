package dev.dray.machine;

import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

class BuiltinDialectTest extends DialectConformance {
    private final List<BuiltinMachine> machines = new ArrayList<>();

    @Override
    Path start() {
        return start(MachineOptions.at(directory.resolve("qmp")));
    }

    @Override
    Path startIncoming() {
        return start(MachineOptions.at(directory.resolve("incoming")).incoming());
    }

    private Path start(MachineOptions options) {
        machines.add(BuiltinMachine.start(options.withMemory(MachineOptions.MEMORY_MIN)
                .with(new ProgramSettings(Workload.SWEEP, Fill.HALF, 32 << 20))));
        return options.controlSockets().getFirst();
    }

    @AfterEach
    void close() {
        machines.forEach(BuiltinMachine::close);
    }
}
