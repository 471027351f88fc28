package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Splits `FULL` sections that lie back to back. They do not tell their lengths: the sender's description does
/// ([#split]), and without one they can be guessed from their footers ([#scan]).
///
/// Grammar: `Section → 0x04, be32 id, u8 n, name, be32 instance, be32 version, payload, 0x7e, be32 id`.
final class DeviceTail {
    /// `0x04, be32 id, u8 n` … `be32 instance, be32 version`, without the name.
    private static final int HEAD_BYTES = 1 + 4 + 1 + 4 + 4;

    private DeviceTail() {}

    /// The sections of all `parts`, in their order; offsets are those in the section's own part. Every header
    /// and footer must be where the description puts it, and no byte may be left over; footers that a guest
    /// put into its device state mislead nobody.
    static List<DeviceSection> split(List<byte[]> parts, VmDescription description) throws PeerException {
        var sections = new ArrayList<DeviceSection>();
        for (byte[] part : parts) {
            int offset = 0;
            while (offset < part.length) {
                if (sections.size() == description.devices().size()) {
                    throw Refusal.broken("The device description lists " + sections.size()
                            + " devices, but behind them are " + (part.length - offset) + " bytes more");
                }
                DeviceSection section =
                        section(part, offset, description.devices().get(sections.size()));
                sections.add(section);
                offset += section.bytes();
            }
        }
        if (sections.size() < description.devices().size()) {
            throw Refusal.broken("The device description lists "
                    + description.devices().size() + " devices, but there are only " + sections.size() + " sections");
        }
        return sections;
    }

    private static DeviceSection section(byte[] bytes, int offset, VmDescription.Device device) throws PeerException {
        DeviceSection head = head(bytes, offset);
        String which = "device section '" + device.name() + "' number " + device.instance();
        if (head == null) {
            throw Refusal.broken("There is no header of " + which + " at offset " + offset + " of device state");
        }
        if (!head.name().equals(device.name()) || head.instance() != device.instance()) {
            throw Refusal.broken("The device description lists " + which + ", but there is '" + head.name()
                    + "' number " + head.instance());
        }
        long end = head.payloadOffset() + device.payloadBytes();
        if (end > bytes.length - Wire.FOOTER_BYTES || !isFooter(bytes, (int) end, head.id())) {
            throw Refusal.broken("The payload of " + which + " should have " + device.payloadBytes()
                    + " bytes, but is not followed by its footer");
        }
        return withPayload(head, (int) device.payloadBytes());
    }

    /// What can be told without a description: a section ends at the first footer of its number that is
    /// followed by the end or by what looks like a section. Stops where nothing fits.
    static List<DeviceSection> scan(byte[] bytes) {
        var sections = new ArrayList<DeviceSection>();
        int offset = 0;
        while (offset < bytes.length) {
            DeviceSection head = head(bytes, offset);
            int end = head == null ? -1 : footer(bytes, head);
            if (head == null || end < 0) {
                break;
            }
            sections.add(withPayload(head, end - head.payloadOffset()));
            offset = end + Wire.FOOTER_BYTES;
        }
        return sections;
    }

    private static int footer(byte[] bytes, DeviceSection head) {
        for (int i = head.payloadOffset(); i <= bytes.length - Wire.FOOTER_BYTES; i++) {
            if (isFooter(bytes, i, head.id())) {
                int next = i + Wire.FOOTER_BYTES;
                if (next == bytes.length || head(bytes, next) != null) {
                    return i;
                }
            }
        }
        return -1;
    }

    private static boolean isFooter(byte[] bytes, int at, int id) {
        return bytes[at] == Wire.QEMU_VM_SECTION_FOOTER
                && ByteBuffer.wrap(bytes).getInt(at + 1) == id;
    }

    /// The header of a section, its payload still without a length; null if there is none at `offset`.
    private static @Nullable DeviceSection head(byte[] bytes, int offset) {
        if (bytes.length - offset < HEAD_BYTES || bytes[offset] != Wire.QEMU_VM_SECTION_FULL) {
            return null;
        }
        int nameBytes = bytes[offset + 5] & 0xff;
        if (nameBytes == 0 || bytes.length - offset < HEAD_BYTES + nameBytes) {
            return null;
        }
        int nameOffset = offset + 6;
        for (int i = nameOffset; i < nameOffset + nameBytes; i++) {
            if (bytes[i] < 0x20 || bytes[i] == 0x7f) {
                return null;
            }
        }
        ByteBuffer numbers = ByteBuffer.wrap(bytes);
        int after = nameOffset + nameBytes;
        return new DeviceSection(
                numbers.getInt(offset + 1),
                new String(bytes, nameOffset, nameBytes, StandardCharsets.US_ASCII),
                numbers.getInt(after),
                numbers.getInt(after + 4),
                offset,
                after + 8,
                0);
    }

    private static DeviceSection withPayload(DeviceSection s, int payloadBytes) {
        return new DeviceSection(
                s.id(), s.name(), s.instance(), s.version(), s.offset(), s.payloadOffset(), payloadBytes);
    }
}
