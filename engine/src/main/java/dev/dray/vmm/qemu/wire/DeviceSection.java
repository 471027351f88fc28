package dev.dray.vmm.qemu.wire;

/// One `FULL` section: where a device's state lies among the device sections.
///
/// @param id the number its footer repeats
/// @param name the device's name, such as `0000:00:02.0/virtio-net`
/// @param instance tells devices of the same name apart
/// @param version of the payload's layout
/// @param offset of the section's first byte, its type, in the bytes that were split
/// @param payloadOffset of the payload's first byte
/// @param payloadBytes length of the payload; a footer of 5 bytes follows it
public record DeviceSection(
        int id, String name, int instance, int version, int offset, int payloadOffset, int payloadBytes) {
    /// Length of the whole section, from type to footer.
    public int bytes() {
        return payloadOffset + payloadBytes + Wire.FOOTER_BYTES - offset;
    }
}
