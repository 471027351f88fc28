package dev.dray.machine;

import dev.dray.machine.guest.GuestProgram;
import dev.dray.machine.vmm.DeviceState;
import dev.dray.machine.vmm.DeviceState.Field;
import dev.dray.machine.vmm.DeviceState.Field.Buffer;
import dev.dray.machine.vmm.DeviceState.Field.Scalar;
import dev.dray.machine.vmm.DeviceState.Field.Subsection;
import java.util.List;

/// The devices of the built-in machine. Only the processor has anything to remember; the others are there so that there
/// are several of them, in all shapes that devices have.
final class Devices {
    private static final String CPU = "cpu";
    private static final String PASS = "env.pass";
    private static final String POSITION = "env.position";
    private static final String STEPS = "env.steps";

    private Devices() {}

    static List<DeviceState> of(GuestProgram.Registers registers) {
        return List.of(
                new DeviceState(
                        "timer",
                        0,
                        "timer",
                        2,
                        List.of(
                                new Scalar("cpu_ticks_offset", 8, 0),
                                new Buffer("unused", new byte[8]),
                                new Scalar("cpu_clock_offset", 8, 0))),
                new DeviceState(
                        CPU,
                        0,
                        CPU,
                        1,
                        List.of(
                                new Scalar(PASS, 8, registers.pass()),
                                new Scalar(POSITION, 8, registers.position()),
                                new Subsection(
                                        "cpu/steps", 1, List.<Field>of(new Scalar(STEPS, 8, registers.steps()))))),
                serial(0),
                serial(1),
                new DeviceState(
                        "0000:00:02.0/vga",
                        0,
                        "vga",
                        2,
                        List.of(new Scalar("sr_index", 1, 0), new Buffer("palette", new byte[768]))));
    }

    private static DeviceState serial(int instance) {
        return new DeviceState(
                "serial",
                instance,
                "serial",
                3,
                List.of(
                        new Scalar("state.divider", 2, 12),
                        new Scalar("state.lcr", 1, 3),
                        new Scalar("state.ier", 1, 0)));
    }

    static GuestProgram.Registers registers(List<DeviceState> states) {
        for (DeviceState state : states) {
            if (state.name().equals(CPU)) {
                return new GuestProgram.Registers(state.scalar(PASS), state.scalar(POSITION), state.scalar(STEPS));
            }
        }
        throw new IllegalArgumentException("no processor among the devices");
    }
}
