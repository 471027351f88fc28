package dev.dray.machine.vmm;

import java.util.List;

/// What a device must remember, as named fields in order. A dialect brings them into its own shape and back.
///
/// @param name unique together with `instance`
/// @param layout name of the fields' layout, `version` its version; a loader takes only the versions it knows
public record DeviceState(String name, int instance, String layout, int version, List<Field> fields) {
    public DeviceState {
        fields = List.copyOf(fields);
    }

    /// One field.
    public sealed interface Field {
        String name();

        /// An integer.
        ///
        /// @param bytes 1, 2, 4 or 8
        record Scalar(String name, int bytes, long value) implements Field {
            public Scalar {
                if (Integer.bitCount(bytes) != 1 || bytes > 8) {
                    throw new IllegalArgumentException("field " + name + " of " + bytes + " bytes");
                }
            }
        }

        /// Bytes, always as many.
        @SuppressWarnings("ArrayRecordComponent") // opaque
        record Buffer(String name, byte[] value) implements Field {}

        /// Further fields that need not be there; only after all others.
        record Subsection(String name, int version, List<Field> fields) implements Field {
            public Subsection {
                fields = List.copyOf(fields);
            }
        }
    }

    /// The integer of this name, in a subsection or not.
    public long scalar(String field) {
        return scalar(fields, field);
    }

    private long scalar(List<Field> among, String field) {
        for (Field each : among) {
            switch (each) {
                case Field.Scalar scalar
                when scalar.name().equals(field) -> {
                    return scalar.value();
                }
                case Field.Subsection subsection
                when subsection.fields().stream().anyMatch(f -> f.name().equals(field)) -> {
                    return scalar(subsection.fields(), field);
                }
                case Field _ -> {}
            }
        }
        throw new IllegalArgumentException(name + " has no number " + field);
    }
}
