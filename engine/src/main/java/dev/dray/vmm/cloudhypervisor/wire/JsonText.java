package dev.dray.vmm.cloudhypervisor.wire;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/// What a string of a JSON document says, byte by byte: Cloud Hypervisor keeps documents in strings of documents, and
/// one of them may be larger than the heap has room for once more.
final class JsonText extends InputStream {
    private static final int UNIT_DIGITS = 4;

    private final byte[] document;
    private final int end;
    private int at;
    private byte[] escaped = new byte[0];
    private int escapedAt;

    /// @param from the byte behind the opening quote
    /// @param end the closing quote; the string is well-formed
    JsonText(byte[] document, int from, int end) {
        this.document = document;
        this.at = from;
        this.end = end;
    }

    @Override
    public int read() {
        if (escapedAt < escaped.length) {
            return Byte.toUnsignedInt(escaped[escapedAt++]);
        }
        if (at >= end) {
            return -1;
        }
        if (document[at] != '\\') {
            return Byte.toUnsignedInt(document[at++]);
        }
        char kind = (char) document[at + 1];
        at += 2;
        return switch (kind) {
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> character();
            default -> kind;
        };
    }

    /// The first byte of a character of one or two units.
    private int character() {
        var units = new StringBuilder().append(unit());
        if (Character.isHighSurrogate(units.charAt(0))
                && at + 1 < end
                && document[at] == '\\'
                && document[at + 1] == 'u') {
            at += 2;
            units.append(unit());
        }
        escaped = units.toString().getBytes(StandardCharsets.UTF_8);
        escapedAt = 1;
        return Byte.toUnsignedInt(escaped[0]);
    }

    private char unit() {
        String digits = new String(document, at, UNIT_DIGITS, StandardCharsets.US_ASCII);
        at += UNIT_DIGITS;
        return (char) HexFormat.fromHexDigits(digits);
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        int done = 0;
        while (done < length) {
            int next = read();
            if (next < 0) {
                return done == 0 ? -1 : done;
            }
            into[offset + done++] = (byte) next;
        }
        return done;
    }
}
