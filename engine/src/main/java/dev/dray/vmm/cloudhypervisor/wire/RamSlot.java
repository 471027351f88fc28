package dev.dray.vmm.cloudhypervisor.wire;

/// A piece of guest memory as the VMM has it mapped. Slot numbers are not stable from one life of a guest to the next;
/// the guest-physical address is.
///
/// @param slot the VMM's number for it
/// @param gpa guest-physical address of its first byte
/// @param bytes length, a multiple of 4096
/// @param zone the memory zone that it belongs to; `mem0` if the VM was given none
/// @param virtioMem whether it is the place that a virtio-mem device plugs memory into, plugged or not
/// @param fileOffset where it begins in the file behind its descriptor
public record RamSlot(int slot, long gpa, long bytes, String zone, boolean virtioMem, long fileOffset) {
    /// The region's name in a snapshot: `mem0@0x0`.
    public String regionName() {
        return zone + "@0x" + Long.toHexString(gpa);
    }

    /// Whether all of the range lies in this piece.
    public boolean contains(long rangeGpa, long rangeBytes) {
        long offset = rangeGpa - gpa;
        return offset >= 0 && rangeBytes >= 0 && offset <= bytes && rangeBytes <= bytes - offset;
    }
}
