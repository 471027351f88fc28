package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.WorkingSet;
import java.lang.foreign.MemorySegment;

/// The sealed part of a working set. The columns stand one after the other.
///
/// | offset | size | field        | type  | meaning                                                         |
/// |-------:|-----:|--------------|-------|-----------------------------------------------------------------|
/// |      0 |    4 | pages        | u32   | entries, 0 to 1048576                                           |
/// |      4 |    4 | reserved     | u32   | zero                                                            |
/// |      – |    8 | place        | u64   | `pages` times: bits 0–39 page, 40–63 index of its region        |
/// |      – |    4 | after_us     | u32   | `pages` times: microseconds after the guest ran; 2^31−1 is more |
final class WorkingSetCodec {
    static final int HEADER_BYTES = 8;
    static final int ENTRY_BYTES = 12;

    private static final int RESERVED = 4;
    private static final int PAGE_BITS = 40;

    private WorkingSetCodec() {}

    static byte[] encode(WorkingSet set) {
        byte[] bytes = new byte[HEADER_BYTES + set.count() * ENTRY_BYTES];
        MemorySegment body = MemorySegment.ofArray(bytes);
        body.set(Format.U32, 0, set.count());
        long times = HEADER_BYTES + (long) set.count() * Long.BYTES;
        for (int i = 0; i < set.count(); i++) {
            long place = (long) set.region(i) << PAGE_BITS | set.page(i);
            body.set(Format.U64, HEADER_BYTES + (long) i * Long.BYTES, place);
            body.set(Format.U32, times + (long) i * Integer.BYTES, Math.max(0, set.afterMicros(i)));
        }
        return bytes;
    }

    /// @param memory of the snapshot that it belongs to
    /// @param name the object's, for messages
    static WorkingSet decode(byte[] bytes, GuestMemoryMap memory, String name) throws CorruptException {
        MemorySegment body = MemorySegment.ofArray(bytes);
        int count = bytes.length < HEADER_BYTES ? -1 : body.get(Format.U32, 0);
        if (count < 0 || count > Format.WORKING_SET_PAGES_MAX || bytes.length != HEADER_BYTES + count * ENTRY_BYTES) {
            throw Envelope.damaged(name, "it has " + bytes.length + " bytes, which is no number of pages");
        }
        if (body.get(Format.U32, RESERVED) != 0) {
            throw Envelope.damaged(name, "a reserved field is not zero");
        }
        var regions = new int[count];
        var pages = new long[count];
        var after = new int[count];
        long times = HEADER_BYTES + (long) count * Long.BYTES;
        for (int i = 0; i < count; i++) {
            long place = body.get(Format.U64, HEADER_BYTES + (long) i * Long.BYTES);
            regions[i] = (int) (place >>> PAGE_BITS);
            pages[i] = place & (1L << PAGE_BITS) - 1;
            after[i] = body.get(Format.U32, times + (long) i * Integer.BYTES);
            if (regions[i] >= memory.regions().size()
                    || pages[i] >= memory.regions().get(regions[i]).pages()
                    || after[i] < 0) {
                throw Envelope.damaged(name, "its entry " + i + " is no page of the snapshot");
            }
        }
        return WorkingSet.of(regions, pages, after, count);
    }
}
