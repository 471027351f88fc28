package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import org.jspecify.annotations.Nullable;

/// Reads a `FULL` section that comes before the first page (virtio-mem, since the machine types of QEMU 8.1):
/// 10.0 sends it behind the memory layout, 11.1 before. Its length is not known until the description comes
/// at the very end; here it ends at the first footer of its number behind which the next item begins.
/// [DeviceTail#split] checks that later.
final class EarlySections {
    /// A section header up to its name's first byte.
    private static final int LOOK_BYTES = Wire.FOOTER_BYTES + 7;

    private EarlySections() {}

    /// Appends one section, from its type to its footer, to `into`.
    ///
    /// @param blocks the memory layout, if it has come already
    static void read(StreamInput in, @Nullable RamBlocks blocks, Bytes into, int bytesMax) throws PeerException {
        int id = header(in, into);
        while (true) {
            in.need(LOOK_BYTES, "an early section");
            int b = in.peekAt(0);
            if (b == Wire.QEMU_VM_SECTION_FOOTER && in.peekU32At(1) == id && itemBegins(in, blocks)) {
                into.put(in.bytes(Wire.FOOTER_BYTES, "the footer of an early section"));
                return;
            }
            if (into.count() >= bytesMax) {
                throw Refusal.broken("Early sections have more than " + bytesMax + " bytes");
            }
            into.u8(in.u8("an early section"));
        }
    }

    private static int header(StreamInput in, Bytes into) throws PeerException {
        into.u8(in.u8("an early section"));
        int id = in.u32("an early section");
        String name = in.name("an early section");
        into.u32(id).name(name);
        into.u32(in.u32("early section " + name)).u32(in.u32("early section " + name));
        return id;
    }

    /// Whether an item that may follow an early section begins behind the footer.
    private static boolean itemBegins(StreamInput in, @Nullable RamBlocks blocks) {
        int next = Wire.FOOTER_BYTES;
        int number = in.peekU32At(next + 1);
        return switch (in.peekAt(next)) {
            case Wire.QEMU_VM_SECTION_START ->
                blocks == null && in.peekAt(next + 5) == Wire.RAM_NAME.length() && in.peekAt(next + 6) == 'r';
            case Wire.QEMU_VM_SECTION_PART, Wire.QEMU_VM_SECTION_END -> blocks != null && number == blocks.sectionId();
            // be16 code, be16 length
            case Wire.QEMU_VM_COMMAND -> number == (11 << 16) || number == (2 << 16 | 4);
            case Wire.QEMU_VM_SECTION_FULL -> in.peekAt(next + 5) > 0 && in.peekAt(next + 6) > 0x20;
            default -> false;
        };
    }
}
