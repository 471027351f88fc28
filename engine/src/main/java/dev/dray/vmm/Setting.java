package dev.dray.vmm;

/// One place of the VMM's configuration that is to have another value in the restored guest.
///
/// @param path where, in the dialect's own words: `disks[0].path`
/// @param value the new value, as text
public record Setting(String path, String value) {}
