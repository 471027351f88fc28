package dev.dray.vmm.qemu;

/// A disk that the guest can write.
///
/// @param device the drive's or device's name as a user knows it
/// @param node QEMU's block node name
/// @param file where it lies, as QEMU says; a path or a URL
record GuestDisk(String device, String node, String file) {}
