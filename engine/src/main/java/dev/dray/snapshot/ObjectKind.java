package dev.dray.snapshot;

import java.nio.charset.StandardCharsets;

/// Kinds of objects, each with a magic of its own.
enum ObjectKind {
    CONFIG("DRAYCONF"),
    KEY_SLOT("DRAYKEYS"),
    MANIFEST("DRAYSNAP"),
    SESSION("DRAYSESS"),
    WORKING_SET("DRAYWSET"),
    PACK("DRAYPACK");

    static final int MAGIC_BYTES = 8;

    private final String text;

    /// The magic as a little-endian number.
    final long magic;

    ObjectKind(String text) {
        this.text = text;
        byte[] ascii = text.getBytes(StandardCharsets.US_ASCII);
        long value = 0;
        for (int i = MAGIC_BYTES - 1; i >= 0; i--) {
            value = value << 8 | ascii[i];
        }
        this.magic = value;
    }

    String text() {
        return text;
    }
}
