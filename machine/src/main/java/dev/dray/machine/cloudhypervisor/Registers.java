package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.machine.vmm.DeviceState;
import dev.dray.machine.vmm.DeviceState.Field;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/// What the processor must remember as general registers: an array of bytes in the order of `struct kvm_regs`, eight
/// for each. The other devices of a machine have nothing to remember here.
final class Registers {
    private static final int BYTES = 8;
    private static final String PROCESSOR = "cpu";

    private final JsonNode bytes;
    private int at;

    private Registers(JsonNode bytes) {
        this.bytes = bytes;
    }

    static void write(List<DeviceState> devices, ArrayNode into) {
        List<Long> values = new ArrayList<>();
        for (DeviceState device : devices) {
            if (device.name().equals(PROCESSOR)) {
                collect(device.fields(), values);
            }
        }
        int at = 0;
        for (long value : values) {
            for (int i = 0; i < BYTES; i++) {
                into.set(at++, (int) ((value >>> (8 * i)) & 0xff));
            }
        }
    }

    private static void collect(List<Field> fields, List<Long> into) {
        for (Field field : fields) {
            switch (field) {
                case Field.Scalar scalar -> into.add(scalar.value());
                case Field.Subsection subsection -> collect(subsection.fields(), into);
                case Field.Buffer _ -> {
                    // Not a register.
                }
            }
        }
    }

    /// The devices with these layouts, the processor with what is in the registers.
    static List<DeviceState> read(JsonNode bytes, List<DeviceState> layouts) throws PeerException {
        Registers registers = new Registers(bytes);
        List<DeviceState> devices = new ArrayList<>();
        for (DeviceState layout : layouts) {
            devices.add(
                    layout.name().equals(PROCESSOR)
                            ? new DeviceState(
                                    layout.name(),
                                    layout.instance(),
                                    layout.layout(),
                                    layout.version(),
                                    registers.fill(layout.fields()))
                            : layout);
        }
        return devices;
    }

    private List<Field> fill(List<Field> layout) throws PeerException {
        List<Field> fields = new ArrayList<>();
        for (Field field : layout) {
            fields.add(
                    switch (field) {
                        case Field.Scalar scalar -> new Field.Scalar(scalar.name(), scalar.bytes(), next());
                        case Field.Subsection subsection ->
                            new Field.Subsection(subsection.name(), subsection.version(), fill(subsection.fields()));
                        case Field.Buffer buffer -> buffer;
                    });
        }
        return fields;
    }

    private long next() throws PeerException {
        if (at + BYTES > bytes.size()) {
            throw new PeerException("Error deserialising VM snapshot: registers of " + bytes.size() + " bytes", "");
        }
        long value = 0;
        for (int i = 0; i < BYTES; i++) {
            value |= (bytes.path(at++).asLong(0) & 0xff) << (8 * i);
        }
        return value;
    }
}
