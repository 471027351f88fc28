package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.state.MachineState;
import java.util.List;
import java.util.TreeMap;

/// All of a stream except its pages, byte for byte.
///
/// @param configuration machine type and subsections
/// @param setupSections `FULL` sections that came before the memory layout, back to back
/// @param blocks memory layout as the sender gave it
/// @param earlySections `FULL` sections that came between the memory layout and the first page
/// @param deviceSections `FULL` sections behind memory, back to back, without the end mark
/// @param description the sender's JSON description of all these sections
/// @param sections those of `setupSections`, of `earlySections`, then of `deviceSections`; offsets are in
///     their own array
@SuppressWarnings("ArrayRecordComponent") // large and opaque; compared by nobody
public record CapturedStream(
        Configuration configuration,
        byte[] setupSections,
        RamBlocks blocks,
        byte[] earlySections,
        byte[] deviceSections,
        byte[] description,
        List<DeviceSection> sections) {
    /// The dialect's name in [MachineState].
    public static final String DIALECT = "qemu";

    public CapturedStream {
        sections = List.copyOf(sections);
    }

    public GuestMemoryMap memory() {
        return blocks.map();
    }

    /// The parts `configuration`, `setup`, `ram-blocks`, `early`, `devices` and `vmdesc`.
    public MachineState state() {
        var parts = new TreeMap<String, byte[]>();
        parts.put("configuration", configuration.bytes());
        parts.put("setup", setupSections);
        parts.put("ram-blocks", blocks.bytes());
        parts.put("early", earlySections);
        parts.put("devices", deviceSections);
        parts.put("vmdesc", description);
        return new MachineState(DIALECT, parts);
    }

    /// The reverse of [#state()], checked as strictly as a stream.
    public static CapturedStream of(MachineState state) throws PeerException {
        byte[] setup = part(state, "setup");
        byte[] early = part(state, "early");
        byte[] devices = part(state, "devices");
        byte[] json = part(state, "vmdesc");
        return new CapturedStream(
                Configuration.parse(part(state, "configuration")),
                setup,
                RamBlocks.parse(part(state, "ram-blocks"), StreamLimits.DEFAULT),
                early,
                devices,
                json,
                DeviceTail.split(List.of(setup, early, devices), VmDescription.parse(json, 0, json.length)));
    }

    private static byte[] part(MachineState state, String name) throws PeerException {
        byte[] bytes = state.parts().get(name);
        if (!state.dialect().equals(DIALECT) || bytes == null) {
            throw Refusal.broken("The state of dialect '" + state.dialect() + "' has no part '" + name + "'");
        }
        return bytes;
    }
}
