package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// The configuration section: which machine the sender is.
///
/// Grammar, behind the type `0x07`: `be32 n, n bytes machine type, Subsection*`, where
/// `Subsection → 0x05, u8 n, name, be32 version, fields` and the fields are those of the name. What follows is
/// never `0x05`, so a look at one byte tells whether another one comes.
///
/// @param machineType name such as `pc-i440fx-7.2`
/// @param subsections in the sender's order
public record Configuration(String machineType, List<Subsection> subsections) {
    /// Lists the capabilities that change the stream's form.
    public static final String CAPABILITIES = "configuration/capabilities";

    /// The machine types of QEMU have 30 bytes at most.
    private static final int MACHINE_TYPE_BYTES_MAX = 255;

    /// QEMU knows 26 capabilities and lists at most two of them.
    private static final int CAPABILITIES_MAX = 256;

    private static final String PAGE_BITS = "configuration/target-page-bits";
    private static final String UUID = "configuration/uuid";
    private static final int UUID_BYTES = 16;
    private static final int SUBSECTIONS_MAX = 3;

    /// @param fields as they are on the wire
    @SuppressWarnings("ArrayRecordComponent") // opaque and short
    public record Subsection(String name, int version, byte[] fields) {}

    public Configuration {
        subsections = List.copyOf(subsections);
    }

    /// A configuration without subsections, as x86 machines send it.
    public static Configuration of(String machineType) {
        return new Configuration(machineType, List.of());
    }

    /// The section's payload: all bytes behind the type.
    public byte[] bytes() {
        byte[] name = machineType.getBytes(StandardCharsets.US_ASCII);
        Bytes bytes = new Bytes(64).u32(name.length).put(name);
        for (Subsection s : subsections) {
            bytes.u8(Wire.QEMU_VM_SUBSECTION).name(s.name).u32(s.version).put(s.fields);
        }
        return bytes.copy();
    }

    /// @param bytes a whole payload and nothing else
    public static Configuration parse(byte[] bytes) throws PeerException {
        StreamInput in = StreamInput.of(bytes);
        Configuration configuration = read(in);
        if (in.has(1)) {
            throw Refusal.broken("The configuration has " + (bytes.length - in.offset()) + " bytes too many");
        }
        return configuration;
    }

    /// The capabilities that the sender lists: `x-ignore-shared`, `mapped-ram` or none.
    public List<String> capabilities() {
        try {
            for (Subsection s : subsections) {
                if (s.name.equals(CAPABILITIES)) {
                    return capabilities(StreamInput.of(s.fields));
                }
            }
            return List.of();
        } catch (PeerException e) {
            throw new IllegalStateException("a subsection that was not read by this class", e);
        }
    }

    static Configuration read(StreamInput in) throws PeerException {
        String machineType = in.text(in.length(MACHINE_TYPE_BYTES_MAX, "the machine type"), "the machine type");
        var subsections = new ArrayList<Subsection>();
        while (in.has(1) && in.peekAt(0) == Wire.QEMU_VM_SUBSECTION) {
            in.u8("a subsection");
            String name = in.name("a configuration subsection");
            int version = in.u32("configuration subsection " + name);
            if (subsections.size() == SUBSECTIONS_MAX) {
                throw Refusal.broken("The configuration has more than " + SUBSECTIONS_MAX + " subsections");
            }
            subsections.add(new Subsection(name, version, fields(name, in)));
        }
        return new Configuration(machineType, subsections);
    }

    private static byte[] fields(String name, StreamInput in) throws PeerException {
        return switch (name) {
            case PAGE_BITS -> in.bytes(Integer.BYTES, name);
            case UUID -> in.bytes(UUID_BYTES, name);
            case CAPABILITIES -> {
                List<String> names = capabilities(in);
                Bytes bytes = new Bytes(64).u32(names.size());
                names.forEach(bytes::name);
                yield bytes.copy();
            }
            default ->
                throw Refusal.unsupported(
                        "The configuration has the subsection '" + name + "', which Dray does not know",
                        "Use a QEMU version and machine type that Dray is tested with");
        };
    }

    private static List<String> capabilities(StreamInput in) throws PeerException {
        int count = in.length(CAPABILITIES_MAX, "the capability list");
        var names = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            names.add(in.name("a capability"));
        }
        return names;
    }
}
