package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.PeerException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads what follows memory: `FULL` sections, the end mark `0x00`, and the description `0x06, be32 n, n bytes
/// JSON`. Sections do not tell their lengths, so the end mark is known only by what follows it: it is at every
/// `00 06 n` where `n` bytes, a JSON object, are all that is left. While bytes still come, such places are
/// remembered and tried when exactly their `n` bytes are there: a sender that waits for an answer sends no end.
final class TailReader {
    /// `0x00, 0x06, be32 n` and the brace that JSON begins with.
    private static final int MARK_BYTES = 6;

    /// Places that look like an end mark, at one time. In a real stream there are one or two.
    private static final int MARKS_MAX = 4096;

    private final StreamInput in;
    private final StreamForm form;
    private final StreamLimits limits;
    private final List<byte[]> before;
    private final Bytes bytes = new Bytes(512 << 10);

    private int scanned;
    private int[] marks = new int[16];
    private int[] ends = new int[16];
    private int markCount;

    /// @param devices the sections without the end mark
    /// @param sections those that came before the first page, then those of `devices`
    @SuppressWarnings("ArrayRecordComponent") // handed on at once
    record Tail(byte[] devices, byte[] description, List<DeviceSection> sections) {}

    TailReader(StreamInput in, StreamForm form, StreamLimits limits, List<byte[]> before) {
        this.in = in;
        this.form = form;
        this.limits = limits;
        this.before = before;
    }

    Tail read() throws PeerException {
        boolean more = true;
        while (more) {
            take();
            findMarks();
            Tail tail = form.inputEnds() ? null : whole();
            if (tail != null) {
                return tail;
            }
            more = in.read(Long.MAX_VALUE);
        }
        Tail tail = whole();
        if (tail == null) {
            throw Refusal.unsupported(
                    "The stream ended after " + in.offset() + " bytes, inside device state or before its description",
                    "See what the other side says about its end: query-migrate and its log; start the guest's VMM "
                            + "without suppress-vmdesc=on");
        }
        return tail;
    }

    private void take() throws PeerException {
        int count = (int) (in.limit() - in.position());
        if (bytes.count() + (long) count > limits.deviceBytes() + MARK_BYTES + limits.descriptionBytes()) {
            throw Refusal.broken("Device state has more than " + limits.deviceBytes() + " bytes");
        }
        bytes.reserve(count);
        MemorySegment.copy(in.window(), JAVA_BYTE, in.position(), bytes.array(), bytes.count(), count);
        bytes.wrote(count);
        in.advanceTo(in.limit());
    }

    private void findMarks() throws PeerException {
        byte[] a = bytes.array();
        for (; scanned < bytes.count() - MARK_BYTES; scanned++) {
            int i = scanned;
            if (a[i + 1] == Wire.QEMU_VM_VMDESCRIPTION && a[i] == Wire.QEMU_VM_EOF && a[i + MARK_BYTES] == '{') {
                int length = MemorySegment.ofArray(a).get(Wire.U32, i + 2);
                if (length >= 2 && length <= limits.descriptionBytes()) {
                    remember(i, i + MARK_BYTES + length);
                }
            }
        }
    }

    private void remember(int mark, int end) throws PeerException {
        if (markCount == marks.length) {
            forgetPassed();
            if (markCount == MARKS_MAX) {
                throw Refusal.broken("Device state has more than " + MARKS_MAX + " places that look like its end");
            }
            if (markCount == marks.length) {
                marks = Arrays.copyOf(marks, 2 * markCount);
                ends = Arrays.copyOf(ends, 2 * markCount);
            }
        }
        marks[markCount] = mark;
        ends[markCount] = end;
        markCount++;
    }

    private void forgetPassed() {
        int kept = 0;
        for (int i = 0; i < markCount; i++) {
            if (ends[i] >= bytes.count()) {
                marks[kept] = marks[i];
                ends[kept] = ends[i];
                kept++;
            }
        }
        markCount = kept;
    }

    /// The tail, if the bytes read so far end with a whole description.
    private @Nullable Tail whole() throws PeerException {
        for (int i = 0; i < markCount; i++) {
            if (ends[i] == bytes.count()) {
                VmDescription description = description(marks[i] + MARK_BYTES);
                if (description != null) {
                    return tail(marks[i], description);
                }
            }
        }
        return null;
    }

    /// Null if the bytes are no JSON: then the mark was part of a device's state.
    private @Nullable VmDescription description(int from) throws PeerException {
        try {
            return VmDescription.parse(bytes.array(), from, bytes.count());
        } catch (PeerException e) {
            if (form.inputEnds() && markCount == 1) {
                throw e;
            }
            return null;
        }
    }

    private Tail tail(int mark, VmDescription description) throws PeerException {
        if (mark > limits.deviceBytes()) {
            throw Refusal.broken("Device state has " + mark + " bytes, more than " + limits.deviceBytes());
        }
        byte[] devices = bytes.copy(0, mark);
        byte[] json = bytes.copy(mark + MARK_BYTES, bytes.count());
        var all = new ArrayList<byte[]>(before);
        all.add(devices);
        return new Tail(devices, json, DeviceTail.split(all, description));
    }
}
