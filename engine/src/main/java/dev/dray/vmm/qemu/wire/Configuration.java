package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import java.util.List;

/// The configuration section: which machine the sender is.
///
/// Grammar: `0x07, be32 n, n bytes machine type, Subsection*`; [#bytes()] is all behind the `0x07`.
///
/// @param bytes the section's payload, byte for byte
/// @param machineType name such as `pc-i440fx-7.2`
/// @param capabilities those that change the stream's form: `x-ignore-shared`, `mapped-ram`
@SuppressWarnings("ArrayRecordComponent") // opaque bytes beside what was read of them
public record Configuration(byte[] bytes, String machineType, List<String> capabilities) {
    public Configuration {
        capabilities = List.copyOf(capabilities);
    }

    /// A configuration without subsections, as x86 machines send it.
    public static Configuration of(String machineType) {
        return new Configuration(new byte[0], machineType, List.of());
    }

    /// @param bytes a whole payload and nothing else
    public static Configuration parse(byte[] bytes) throws PeerException {
        return new Configuration(bytes, "", List.of());
    }
}
