package dev.dray.vmm.qemu.wire;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The plainest parser of a recorded stream, written apart from the reader and used as its oracle: one array,
/// one cursor, no limits, no care for speed. It believes whatever it is given.
final class NaiveStream {
    private final ByteBuffer in;
    private final List<String> blocks = new ArrayList<>();
    private final Map<String, byte[]> memory = new LinkedHashMap<>();
    private final ByteArrayOutputStream early = new ByteArrayOutputStream();
    private byte[] devices = {};
    private byte[] description = {};
    private String block = "";

    NaiveStream(byte[] stream) {
        in = ByteBuffer.wrap(stream);
        in.position(8 + 1);
        text(in.getInt());
        boolean ended = false;
        boolean pages = false;
        while (true) {
            int type = in.get(in.position());
            if (type == 8) {
                in.position(in.position() + 3);
                in.position(in.getShort() + in.position());
            } else if (type == 4 && (ended || pages)) {
                break;
            } else if (type == 4) {
                readEarly();
            } else {
                in.get();
                in.getInt();
                if (type == 1) {
                    text(in.get());
                    in.getLong();
                    readBlocks();
                }
                pages |= type == 2;
                ended |= type == 3;
                readRecords();
                in.position(in.position() + 5);
            }
        }
        readTail(stream);
    }

    private void readEarly() {
        int from = in.position();
        int id = in.getInt(from + 1);
        int to = from + 5;
        // Up to the footer that a START or PART of memory follows.
        while (in.get(to) != 0x7e || in.getInt(to + 1) != id || (in.get(to + 5) != 2 && in.get(to + 5) != 1)) {
            to++;
        }
        early.write(in.array(), from, to + 5 - from);
        in.position(to + 5);
    }

    private void readBlocks() {
        long left = in.getLong() - 4;
        while (left > 0) {
            String name = text(in.get() & 0xff);
            long bytes = in.getLong();
            blocks.add(name + " " + bytes);
            memory.put(name, new byte[(int) Math.min(bytes, 8 << 20)]);
            left -= bytes;
        }
    }

    private void readRecords() {
        while (true) {
            long head = in.getLong();
            int flags = (int) head & 0xfff;
            if (flags == 0x10) {
                return;
            }
            if (flags == 0x200) {
                continue;
            }
            if ((flags & 0x20) == 0) {
                block = text(in.get() & 0xff);
            }
            byte[] bytes = memory.get(block);
            int at = (int) (head - flags);
            if ((flags & 8) != 0) {
                in.get(bytes, at, 4096);
            } else {
                Arrays.fill(bytes, at, at + 4096, in.get());
            }
        }
    }

    private void readTail(byte[] stream) {
        int from = in.position();
        for (int i = stream.length - 6; i > from; i--) {
            if (stream[i] == 0 && stream[i + 1] == 6 && in.getInt(i + 2) == stream.length - i - 6) {
                devices = Arrays.copyOfRange(stream, from, i);
                description = Arrays.copyOfRange(stream, i + 6, stream.length);
            }
        }
    }

    private String text(int bytes) {
        var text = new byte[bytes];
        in.get(text);
        return new String(text, StandardCharsets.US_ASCII);
    }

    List<String> blocks() {
        return blocks;
    }

    List<byte[]> memory() {
        return new ArrayList<>(memory.values());
    }

    byte[] early() {
        return early.toByteArray();
    }

    byte[] devices() {
        return devices;
    }

    byte[] description() {
        return description;
    }
}
