package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;

/// Skips a payload whose form is not known, up to and with the first footer of its number that the end of the
/// stream or something like an item follows.
final class OpaquePayload {
    /// A footer, and what is looked at of the item behind it.
    private static final int LOOK_BYTES = Wire.FOOTER_BYTES + 7;

    private OpaquePayload() {}

    static void skip(StreamInput in, int id) throws PeerException {
        while (true) {
            boolean more = in.has(LOOK_BYTES);
            int have = (int) Math.min(in.limit() - in.position(), LOOK_BYTES);
            if (have < Wire.FOOTER_BYTES) {
                throw Refusal.ended(in.offset(), "section " + Integer.toUnsignedString(id));
            }
            if (in.peekAt(0) == Wire.QEMU_VM_SECTION_FOOTER && in.peekU32At(1) == id && itemBegins(in, have, more)) {
                in.advanceTo(in.position() + Wire.FOOTER_BYTES);
                return;
            }
            in.advanceTo(in.position() + 1);
        }
    }

    private static boolean itemBegins(StreamInput in, int have, boolean more) {
        int next = Wire.FOOTER_BYTES;
        if (have == next) {
            return true;
        }
        int type = in.peekAt(next);
        if (!more) {
            return type == Wire.QEMU_VM_EOF;
        }
        return switch (type) {
            case Wire.QEMU_VM_EOF -> in.peekAt(next + 1) == Wire.QEMU_VM_VMDESCRIPTION;
            // Sections are numbered from 0 in the order of their devices.
            case Wire.QEMU_VM_SECTION_PART, Wire.QEMU_VM_SECTION_END -> in.peekU32At(next + 1) >>> 16 == 0;
            case Wire.QEMU_VM_SECTION_START, Wire.QEMU_VM_SECTION_FULL ->
                in.peekU32At(next + 1) >>> 16 == 0 && in.peekAt(next + 5) > 0 && in.peekAt(next + 6) > 0x20;
            // be16 code
            case Wire.QEMU_VM_COMMAND -> in.peekU32At(next + 1) >>> 16 >= 1 && in.peekU32At(next + 1) >>> 16 <= 11;
            default -> false;
        };
    }
}
