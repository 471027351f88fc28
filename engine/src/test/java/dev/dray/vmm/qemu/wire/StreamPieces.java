package dev.dray.vmm.qemu.wire;

import dev.dray.testbed.Gen;
import dev.dray.testbed.Golden;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A recorded stream cut at the borders of its items, records and device sections, without most of its pages:
/// what a fuzzer takes apart and puts together again.
final class StreamPieces {
    /// Records of one kind in a section that are kept.
    private static final int ALIKE_MAX = 3;

    private final ByteBuffer in;
    private final List<byte[]> pieces = new ArrayList<>();

    private StreamPieces(byte[] stream) {
        in = ByteBuffer.wrap(stream);
    }

    /// The main connection of a recording.
    static List<byte[]> ofMain(Golden.QemuStream golden) throws Exception {
        var cut = new StreamPieces(golden.main());
        cut.main(golden);
        return cut.pieces;
    }

    /// A further connection of a recording: its hello and some packets, with few pages.
    static List<byte[]> ofChannel(byte[] stream) {
        var cut = new StreamPieces(stream);
        cut.piece(MultifdHello.SIZE);
        while (cut.in.hasRemaining() && cut.pieces.size() < 60) {
            int pages = cut.in.getInt(cut.in.position() + 16);
            cut.piece(MultifdPacket.SIZE);
            if (pages > 4) {
                // A packet of 128 pages is shrunk to two.
                byte[] head = cut.pieces.getLast();
                ByteBuffer.wrap(head).putInt(16, 2).putInt(20, 8192);
                cut.piece(8192);
                cut.in.position(cut.in.position() + (pages - 2) * 4096);
            } else if (pages > 0) {
                cut.piece(pages * 4096);
            }
        }
        return cut.pieces;
    }

    static byte[] join(List<byte[]> pieces) {
        var bytes = new Bytes(1 << 16);
        pieces.forEach(bytes::put);
        return bytes.copy();
    }

    /// Cuts `bytes` evenly, where no borders are known.
    static List<byte[]> evenly(byte[] bytes, int pieceBytes) {
        var pieces = new ArrayList<byte[]>();
        for (int i = 0; i < bytes.length; i += pieceBytes) {
            pieces.add(Arrays.copyOfRange(bytes, i, Math.min(i + pieceBytes, bytes.length)));
        }
        return pieces;
    }

    private void piece(int bytes) {
        var piece = new byte[bytes];
        in.get(piece);
        pieces.add(piece);
    }

    private void main(Golden.QemuStream golden) throws Exception {
        byte[] stream = in.array();
        var read = new StreamReader(
                        ArraySource.of(stream),
                        GoldenStreamTest.form(golden),
                        StreamLimits.DEFAULT,
                        new RecordedMemory())
                .read();
        piece(8);
        piece(5 + in.getInt(9));
        int tail = stream.length - 6 - read.description().length - read.deviceSections().length;
        while (in.position() < tail) {
            item(tail);
        }
        for (DeviceSection section : DeviceTail.scan(read.deviceSections())) {
            piece(section.bytes());
        }
        piece(1);
        String json = shortDescription(read.description());
        pieces.add(new Bytes(64).u8(6).u32(json.length() + 1).copy());
        json.lines().forEach(line -> pieces.add((line + " ").getBytes(StandardCharsets.US_ASCII)));
    }

    private void item(int tail) {
        int at = in.position();
        switch (in.get(at)) {
            case 8 -> piece(5 + in.getShort(at + 3));
            case 1 -> {
                piece(5 + 1 + in.get(at + 5) + 8);
                long left = in.getLong(in.position()) - 4;
                piece(8);
                while (left > 0) {
                    int name = in.get(in.position());
                    left -= in.getLong(in.position() + 1 + name);
                    piece(1 + name + 8);
                }
                records();
            }
            case 4 ->
                piece(DeviceTail.scan(Arrays.copyOfRange(in.array(), at, earlyEnd(at, tail)))
                        .getFirst()
                        .bytes());
            default -> {
                piece(5);
                records();
            }
        }
    }

    /// Behind the early section at `at`: up to the footer of its number before an item.
    private int earlyEnd(int at, int tail) {
        int id = in.getInt(at + 1);
        for (int i = at + 5; i < tail; i++) {
            byte next = in.get(i + 5);
            if (in.get(i) == 0x7e && in.getInt(i + 1) == id && (next == 1 || next == 2)) {
                return i + 5;
            }
        }
        throw new IllegalStateException("an early section without an end");
    }

    private void records() {
        Map<Integer, Integer> kept = new HashMap<>();
        while (true) {
            int at = in.position();
            int flags = (int) in.getLong(at) & 0xfff;
            if (flags == 0x10) {
                piece(8);
                piece(5);
                return;
            }
            int name = (flags & (0x20 | 0x200)) == 0 ? 1 + in.get(at + 8) : 0;
            int content = (flags & 8) != 0 ? 4096 : (flags & 2) != 0 ? 1 : 0;
            if (kept.merge(flags, 1, Integer::sum) <= ALIKE_MAX || name > 0) {
                piece(8 + name + content);
            } else {
                in.position(at + 8 + name + content);
            }
        }
    }

    /// The lengths only, 3 KB instead of 100, a line for each device.
    private static String shortDescription(byte[] json) throws Exception {
        var text = new StringBuilder("{\"page_size\": 4096, \"devices\": [");
        String comma = "";
        for (VmDescription.Device device :
                VmDescription.parse(json, 0, json.length).devices()) {
            text.append(comma).append("{\"name\": \"").append(device.name());
            text.append("\", \"instance_id\": ").append(device.instance());
            text.append(", \"fields\": [{\"size\": ")
                    .append(device.payloadBytes())
                    .append("}]}");
            comma = ",\n";
        }
        return text.append("\n]}").toString();
    }

    /// One to four mutations of a stream that is given in pieces; `donor` gives pieces of another.
    static List<byte[]> mutate(List<byte[]> sound, @Nullable List<byte[]> donor, Gen gen) {
        var pieces = new ArrayList<>(sound);
        for (int i = gen.between(1, 4); i > 0 && !pieces.isEmpty(); i--) {
            int at = gen.between(0, pieces.size() - 1);
            byte[] piece = pieces.get(at).clone();
            switch (gen.between(0, 12)) {
                case 0 -> pieces.remove(at);
                case 1 -> pieces.add(gen.between(0, pieces.size()), piece);
                case 2 -> pieces.set(at, pieces.set(gen.between(0, pieces.size() - 1), piece));
                case 3 -> pieces.subList(at, pieces.size()).clear();
                case 4 -> pieces.set(at, Arrays.copyOf(piece, gen.between(0, piece.length)));
                case 5 -> pieces.add(at, gen.bytes((int) gen.skewed(300)));
                case 6, 7 -> splice(pieces, at, donor, gen);
                case 8 -> pieces.set(at, flip(piece, gen));
                case 9 -> pieces.set(at, word(piece, gen));
                default -> pieces.set(at, number(piece, gen));
            }
        }
        if (gen.chance(0.7)) {
            mendDescription(pieces);
        }
        return pieces;
    }

    /// Words of a description, put where a colon is, and so mostly into JSON.
    private static final List<String> WORDS = List.of(
            " -1 ",
            " 2147483647, \"array_len\": 2147483647 ",
            " 9999999999 ",
            " null ",
            " {} ",
            " [] ",
            " 3.5 ",
            " \"x\" ",
            " 1, \"array_len\": 0 ",
            " [[[[[[[[ ",
            " [{\"fields\": []}], \"subsections\": [{\"vmsd_name\": \"s\", \"fields\": [{\"size\": 1}]}] ",
            " 1, \"subsections\": 1 ",
            " 1, \"fields\": [7] ",
            "x".repeat(300));

    private static byte[] word(byte[] piece, Gen gen) {
        String text = new String(piece, StandardCharsets.ISO_8859_1);
        var colons = new ArrayList<Integer>();
        for (int i = text.indexOf(':'); i >= 0; i = text.indexOf(':', i + 1)) {
            colons.add(i);
        }
        if (colons.isEmpty()) {
            return piece;
        }
        int colon = gen.oneOf(colons);
        int end = text.indexOf(gen.oneOf(",", "}", "]"), colon);
        text = text.substring(0, colon + 1) + gen.oneOf(WORDS) + (end < 0 ? "" : text.substring(end));
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /// Makes the description's length right again, so that what is wrong with it is looked at.
    private static void mendDescription(List<byte[]> pieces) {
        int behind = 0;
        for (int i = pieces.size() - 1; i >= 0; i--) {
            byte[] piece = pieces.get(i);
            if (piece.length == 5 && piece[0] == 6) {
                pieces.set(i, new Bytes(8).u8(6).u32(behind).copy());
                return;
            }
            behind += piece.length;
        }
    }

    private static void splice(List<byte[]> pieces, int at, @Nullable List<byte[]> donor, Gen gen) {
        if (donor != null && !donor.isEmpty()) {
            int from = gen.between(0, donor.size() - 1);
            int to = Math.min(donor.size(), from + 1 + (int) gen.skewed(8));
            pieces.addAll(at, donor.subList(from, to));
        }
    }

    private static byte[] flip(byte[] piece, Gen gen) {
        if (piece.length > 0) {
            piece[gen.between(0, piece.length - 1)] ^= (byte) (1 << gen.between(0, 7));
        }
        return piece;
    }

    /// Changes a number, more often one of the first bytes, where heads are: to a border, or a little.
    private static byte[] number(byte[] piece, Gen gen) {
        int width = gen.oneOf(1, 2, 4, 8);
        if (piece.length < width) {
            return piece;
        }
        int at = (int) Math.min(gen.chance(0.7) ? gen.between(0, 24) : gen.skewed(piece.length), piece.length - width);
        long old = 0;
        for (int i = 0; i < width; i++) {
            old = (old << 8) | (piece[at + i] & 0xff);
        }
        long value = switch (gen.between(0, 6)) {
            case 0 -> 0;
            case 1 -> -1;
            case 2 -> Long.MAX_VALUE >>> gen.between(0, 63);
            case 3 -> 1L << gen.between(0, 63);
            case 4 -> old ^ (1L << gen.between(0, 11));
            case 5 -> gen.bits();
            default -> old + gen.between(-2, 2);
        };
        for (int i = 0; i < width; i++) {
            piece[at + i] = (byte) (value >>> (8 * (width - 1 - i)));
        }
        return piece;
    }
}
