package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/// Reads memory records into page batches.
final class RamReader {
    /// Room for an item between memory sections, else a new slab is taken.
    private static final int ITEM_BYTES_MAX = 80 << 10;

    /// How much to read at once while batches fill up with zero pages, of which one is 9 bytes: what is read
    /// too much must be moved to the next slab.
    private static final int ZEROS_READ_BYTES = 64 << 10;

    private final StreamInput in;
    private final BatchWindow window;
    private final GuestMemoryMap map;
    private final Map<String, Integer> indexes = new HashMap<>();
    private final StreamEvents events;
    private final boolean multifd;

    private long readBytesMax = Long.MAX_VALUE;

    /// The block of the last record, which CONTINUE refers to, also across sections; no block has bytes before
    /// the first record.
    private int region = -1;

    private long regionBytes;
    private long pages;
    private boolean sawPage;

    RamReader(StreamInput in, GuestMemoryMap map, PageDestination destination, StreamEvents events, boolean multifd) {
        this.in = in;
        this.events = events;
        this.map = map;
        this.window = new BatchWindow(in, destination);
        this.multifd = multifd;
        for (MemoryRegion r : map.regions()) {
            indexes.put(r.name(), indexes.size());
        }
    }

    /// Pages read so far, zero pages and repetitions included.
    long pages() {
        return pages;
    }

    void begin() throws DrayException {
        window.begin();
    }

    boolean begun() {
        return window.begun();
    }

    /// Submits what has been read and goes on.
    void submit() throws DrayException {
        window.submit();
    }

    /// Submits what has been read and lets go of the slab.
    void end() throws DrayException {
        window.end();
    }

    /// Gives the batch back after a failure.
    void abandon() {
        window.abandon();
    }

    /// Makes sure that an item outside of memory sections fits into the window.
    void makeRoomForItem() throws DrayException {
        window.makeRoom(ITEM_BYTES_MAX);
    }

    /// Reads records until one that is not a page and returns its head: `EOS` or `MULTIFD_FLUSH`.
    long records() throws DrayException {
        while (true) {
            pagesInWindow();
            if (pages > 0 && !sawPage) {
                sawPage = true;
                events.firstPage();
            }
            if (window.batch().isFull()) {
                readBytesMax = in.limit() - in.position() > ZEROS_READ_BYTES ? ZEROS_READ_BYTES : readBytesMax;
                window.turn();
            } else if (in.room() < RamRecord.BYTES_MAX) {
                readBytesMax = Long.MAX_VALUE;
                window.turn();
            } else if (in.limit() - in.position() < RamRecord.BYTES_MAX && !wholeRecord()) {
                if (!in.read(readBytesMax)) {
                    throw Refusal.ended(in.offset(), "memory");
                }
            } else {
                long head = in.window().get(Wire.U64, in.position());
                int flags = RamRecord.flags(head);
                if ((flags & (Wire.RAM_SAVE_FLAG_PAGE | Wire.RAM_SAVE_FLAG_ZERO)) == 0) {
                    in.advanceTo(in.position() + Wire.RECORD_HEAD_BYTES);
                    return head;
                }
                page(head, flags);
            }
        }
    }

    /// The hot loop: all records in the window that continue a block, without a decision that is not in the
    /// record.
    private void pagesInWindow() throws PeerException {
        PageBatch into = window.batch();
        MemorySegment bytes = in.window();
        long address = bytes.address();
        long position = in.position();
        long limit = in.limit();
        int before = into.count();
        while (limit - position > Wire.RECORD_HEAD_BYTES && !into.isFull()) {
            long head = bytes.get(Wire.U64, position);
            int flags = RamRecord.flags(head);
            long offset = head - flags;
            if (Long.compareUnsigned(offset, regionBytes) >= 0) {
                break;
            }
            if (flags == RamRecord.PAGE_CONTINUE && limit - position >= Wire.RECORD_BYTES) {
                into.add(region, PageSize.index(offset), address + position + Wire.RECORD_HEAD_BYTES);
                position += Wire.RECORD_BYTES;
            } else if (flags == RamRecord.ZERO_CONTINUE
                    && bytes.get(JAVA_BYTE, position + Wire.RECORD_HEAD_BYTES) == 0) {
                into.add(region, PageSize.index(offset), PageBatch.ZERO);
                position += Wire.RECORD_HEAD_BYTES + 1;
            } else {
                break;
            }
        }
        pages += into.count() - before;
        in.advanceTo(position);
    }

    /// Whether the record at the window's position is there in full, so that nothing more must be read for it.
    private boolean wholeRecord() {
        long have = in.limit() - in.position();
        if (have < Wire.RECORD_HEAD_BYTES) {
            return false;
        }
        int flags = RamRecord.flags(in.window().get(Wire.U64, in.position()));
        long bytes = Wire.RECORD_HEAD_BYTES;
        boolean isPage = (flags & Wire.RAM_SAVE_FLAG_PAGE) != 0;
        boolean isZero = (flags & Wire.RAM_SAVE_FLAG_ZERO) != 0;
        if ((isPage || isZero) && (flags & Wire.RAM_SAVE_FLAG_CONTINUE) == 0) {
            if (have == bytes) {
                return false;
            }
            bytes += 1 + in.byteAt(in.position() + bytes);
        }
        return have >= bytes + (isPage ? PageSize.BYTES : isZero ? 1 : 0);
    }

    /// A page record that the hot loop left: it names its block, or it is wrong. It is in the window in full.
    private void page(long head, int flags) throws PeerException {
        long at = in.offset();
        in.advanceTo(in.position() + Wire.RECORD_HEAD_BYTES);
        int kind = flags & ~Wire.RAM_SAVE_FLAG_CONTINUE;
        if (kind != Wire.RAM_SAVE_FLAG_PAGE && kind != Wire.RAM_SAVE_FLAG_ZERO) {
            throw refusal(head, at, multifd);
        }
        if (kind == flags) {
            choose(in.name("a page's RAM block"), at);
        } else if (region < 0) {
            throw Refusal.broken("A page at offset " + at + " continues a RAM block, but none was named before");
        }
        long offset = RamRecord.offset(head);
        if (Long.compareUnsigned(offset, regionBytes) >= 0) {
            throw Refusal.broken("A page at offset " + at + " lies at 0x" + Long.toHexString(offset) + " of RAM block '"
                    + map.regions().get(region).name() + "', which has " + regionBytes + " bytes");
        }
        long address = PageBatch.ZERO;
        if (kind == Wire.RAM_SAVE_FLAG_PAGE) {
            address = in.window().address() + in.position();
            in.advanceTo(in.position() + PageSize.BYTES);
        } else {
            int fill = in.u8("a zero page");
            if (fill != 0) {
                throw Refusal.broken("The zero page at offset " + at + " is filled with " + fill);
            }
        }
        window.batch().add(region, PageSize.index(offset), address);
        pages++;
    }

    private void choose(String name, long at) throws PeerException {
        Integer index = indexes.get(name);
        if (index == null) {
            throw Refusal.broken("A page at offset " + at + " is for RAM block '" + name + "', which is not listed");
        }
        region = index;
        regionBytes = map.regions().get(index).bytes();
    }

    /// The refusal of a record that is neither a page nor welcome here.
    static PeerException refusal(long head, long at, boolean multifd) {
        int flags = RamRecord.flags(head);
        String what = "The memory record at offset " + at + " has " + RamRecord.words(head);
        if ((flags & Wire.RAM_SAVE_FLAG_XBZRLE) != 0) {
            return Refusal.unsupported(what, "Turn the capability xbzrle off");
        }
        if ((flags & Wire.RAM_SAVE_FLAG_COMPRESS_PAGE) != 0) {
            return Refusal.unsupported(what, "Turn the capability compress off");
        }
        if ((flags & Wire.RAM_SAVE_FLAG_HOOK) != 0) {
            return Refusal.unsupported(what, "Migrate over a socket, not over RDMA");
        }
        if (flags == Wire.RAM_SAVE_FLAG_MULTIFD_FLUSH && !multifd) {
            return Refusal.unsupported(what, "Turn the capability multifd off, or capture with several connections");
        }
        return Refusal.broken(what + ", which has no meaning there");
    }
}
