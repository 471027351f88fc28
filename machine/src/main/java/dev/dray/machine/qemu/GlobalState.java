package dev.dray.machine.qemu;

import dev.dray.machine.vmm.DeviceState;
import dev.dray.machine.vmm.DeviceState.Field.Buffer;
import dev.dray.machine.vmm.DeviceState.Field.Scalar;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/// The section in which a guest's run state travels with it. Source: QEMU 10.0, migration/global_state.c.
final class GlobalState {
    static final String NAME = "globalstate";
    private static final int WORD_BYTES = 32;

    private GlobalState() {}

    static DeviceState of(String word) {
        byte[] bytes = word.getBytes(StandardCharsets.US_ASCII);
        return new DeviceState(
                NAME,
                0,
                NAME,
                1,
                List.of(
                        new Scalar("size", 4, bytes.length + 1L),
                        new Buffer("runstate", Arrays.copyOf(bytes, WORD_BYTES)),
                        new Scalar("has_vm_was_suspended", 1, 0),
                        new Scalar("vm_was_suspended", 1, 0),
                        new Buffer("unused", new byte[66])));
    }

    /// The word in the section, up to its first zero.
    static String word(DeviceState state) {
        byte[] bytes = ((Buffer) state.fields().get(1)).value();
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.US_ASCII);
    }
}
