package dev.dray.vmm.qemu;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// By which record a QEMU holds the connections of a multifd migration together. It is a property of the machine type:
/// those up to 8.0 have `multifd-flush-after-each-section` on, and then every end of a section is a barrier.
enum MultifdBarrier {
    END_OF_SECTION,
    FLUSH_RECORD;

    private static final Pattern VERSIONED = Pattern.compile(".*-(\\d{1,4})\\.(\\d{1,4})(?:\\.\\d{1,4})?");
    private static final Pattern QEMU = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})\\.\\d{1,4}");

    /// @param machineType `pc-q35-8.1`; types without a version behave as the newest that the QEMU knows
    /// @param qemuVersion `10.0.2`
    static MultifdBarrier of(String machineType, String qemuVersion) {
        Matcher version = VERSIONED.matcher(machineType);
        if (!version.matches()) {
            version = QEMU.matcher(qemuVersion);
            if (!version.matches()) {
                return FLUSH_RECORD;
            }
        }
        int major = Integer.parseInt(version.group(1));
        int minor = Integer.parseInt(version.group(2));
        return major < 8 || (major == 8 && minor == 0) ? END_OF_SECTION : FLUSH_RECORD;
    }
}
