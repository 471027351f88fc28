package dev.dray.machine.qemu;

import dev.dray.error.PeerException;
import dev.dray.machine.vmm.DeviceState;
import dev.dray.machine.vmm.DeviceState.Field;
import dev.dray.vmm.qemu.wire.CapturedStream;
import dev.dray.vmm.qemu.wire.DeviceSection;
import dev.dray.vmm.qemu.wire.Wire;
import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Device states as QEMU's `FULL` sections, back to back, and back.
///
/// Grammar, integers big-endian: `Section → 0x04, be32 id, Name, be32 instance, be32 version, Field*, Subsection*,
/// 0x7e, be32 id`; `Subsection → 0x05, Name, be32 version, Field*`; `Name → u8 n, n bytes`.
final class DeviceSections {
    private DeviceSections() {}

    /// @param firstId the sections are numbered from here
    static byte[] encode(List<DeviceState> states, int firstId) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int id = firstId;
        for (DeviceState state : states) {
            out.write(Wire.QEMU_VM_SECTION_FULL);
            number(out, id, 4);
            name(out, state.name());
            number(out, state.instance(), 4);
            number(out, state.version(), 4);
            fields(out, state.fields());
            out.write(Wire.QEMU_VM_SECTION_FOOTER);
            number(out, id, 4);
            id++;
        }
        return out.toByteArray();
    }

    private static void fields(ByteArrayOutputStream out, List<Field> fields) {
        for (Field field : fields) {
            switch (field) {
                case Field.Scalar scalar -> number(out, scalar.value(), scalar.bytes());
                case Field.Buffer buffer -> out.writeBytes(buffer.value());
                case Field.Subsection subsection -> {
                    out.write(Wire.QEMU_VM_SUBSECTION);
                    name(out, subsection.name());
                    number(out, subsection.version(), 4);
                    fields(out, subsection.fields());
                }
            }
        }
    }

    private static void number(ByteArrayOutputStream out, long value, int bytes) {
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
            out.write((int) (value >>> shift));
        }
    }

    private static void name(ByteArrayOutputStream out, String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        out.write(bytes.length);
        out.writeBytes(bytes);
    }

    /// Reads the sections of a stream into states of these layouts. A section without a layout is refused; a layout
    /// without
    /// a section keeps its values, as in QEMU.
    static List<DeviceState> decode(CapturedStream stream, List<DeviceState> layouts) throws PeerException {
        if (stream.setupSections().length + stream.earlySections().length > 0) {
            throw new PeerException("sections before memory, which no device here sends", "");
        }
        List<DeviceState> states = new ArrayList<>(layouts);
        for (DeviceSection section : stream.sections()) {
            int index = find(states, section);
            DeviceState layout = states.get(index);
            if (section.version() != layout.version()) {
                throw new PeerException(
                        section.name() + ": version " + section.version() + " of a layout that has " + layout.version(),
                        "");
            }
            ByteBuffer payload =
                    ByteBuffer.wrap(stream.deviceSections(), section.payloadOffset(), section.payloadBytes());
            try {
                List<Field> fields = read(payload, layout.fields());
                if (payload.hasRemaining()) {
                    throw new PeerException(section.name() + ": " + payload.remaining() + " bytes too many", "");
                }
                states.set(
                        index,
                        new DeviceState(layout.name(), layout.instance(), layout.layout(), layout.version(), fields));
            } catch (BufferUnderflowException e) {
                throw new PeerException(section.name() + ": ends too early", "", e);
            }
        }
        return states;
    }

    private static int find(List<DeviceState> states, DeviceSection section) throws PeerException {
        for (int i = 0; i < states.size(); i++) {
            DeviceState state = states.get(i);
            if (state.name().equals(section.name()) && state.instance() == section.instance()) {
                return i;
            }
        }
        throw new PeerException(
                "Unknown savevm section or instance '" + section.name() + "' " + section.instance()
                        + ". Make sure that your current VM setup matches your saved VM setup, including any"
                        + " hotplugged devices",
                "");
    }

    private static List<Field> read(ByteBuffer payload, List<Field> layout) throws PeerException {
        List<Field> fields = new ArrayList<>();
        for (Field field : layout) {
            switch (field) {
                case Field.Scalar scalar ->
                    fields.add(new Field.Scalar(scalar.name(), scalar.bytes(), number(payload, scalar.bytes())));
                case Field.Buffer buffer -> {
                    byte[] value = new byte[buffer.value().length];
                    payload.get(value);
                    fields.add(new Field.Buffer(buffer.name(), value));
                }
                case Field.Subsection subsection ->
                    fields.add(subsection(payload, subsection).orElse(subsection));
            }
        }
        return fields;
    }

    private static Optional<Field> subsection(ByteBuffer payload, Field.Subsection layout) throws PeerException {
        int start = payload.position();
        if (!payload.hasRemaining() || payload.get() != Wire.QEMU_VM_SUBSECTION) {
            payload.position(start);
            return Optional.empty();
        }
        byte[] name = new byte[Byte.toUnsignedInt(payload.get())];
        payload.get(name);
        int version = payload.getInt();
        if (!new String(name, StandardCharsets.UTF_8).equals(layout.name()) || version != layout.version()) {
            throw new PeerException("a subsection where " + layout.name() + " should be", "");
        }
        return Optional.of(new Field.Subsection(layout.name(), version, read(payload, layout.fields())));
    }

    private static long number(ByteBuffer payload, int bytes) {
        return switch (bytes) {
            case 1 -> Byte.toUnsignedLong(payload.get());
            case 2 -> Short.toUnsignedLong(payload.getShort());
            case 4 -> Integer.toUnsignedLong(payload.getInt());
            default -> payload.getLong();
        };
    }
}
