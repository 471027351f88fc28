package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageKind;
import dev.dray.page.PageReader;
import java.lang.foreign.MemorySegment;

/// Some pages in a row of one region, decoded into the shape of the wire. Reused for the next ones; belongs to one
/// thread.
final class RestoreBatch implements AutoCloseable {
    /// Pages in a batch: what a multifd packet holds, and few enough to stay in cache on their way.
    static final int PAGES = 128;

    private static final byte CONTENT = (byte) PageKind.CONTENT.ordinal();
    private static final byte ZERO = (byte) PageKind.ZERO.ordinal();

    final MemorySegment slab;
    final byte[] kinds = new byte[PAGES];
    int region;
    long first;
    int count;
    boolean sendZeros;
    long doneBytes;
    private final long headBytes;
    private final long strideBytes;
    private int contents;
    private int zeros;

    /// @param headBytes room before each page for what the wire puts there
    RestoreBatch(long headBytes, long strideBytes) {
        this.headBytes = headBytes;
        this.strideBytes = strideBytes;
        this.slab = NativeMemory.map(PAGES * strideBytes);
    }

    void is(int newRegion, long newFirst, int newCount, boolean newSendZeros) {
        region = newRegion;
        first = newFirst;
        count = newCount;
        sendZeros = newSendZeros;
    }

    void read(PageReader pages) throws DrayException {
        pages.read(region, first, count, slab.address() + headBytes, strideBytes, kinds);
        contents = 0;
        zeros = 0;
        for (int i = 0; i < count; i++) {
            if (kinds[i] == CONTENT) {
                contents++;
            } else if (kinds[i] == ZERO) {
                zeros++;
            }
        }
    }

    int contents() {
        return contents;
    }

    /// Whether there are zero pages that have to be sent.
    boolean hasZerosToSend() {
        return sendZeros && zeros > 0;
    }

    boolean isZero(int index) {
        return kinds[index] == ZERO;
    }

    boolean worthSending() {
        return contents > 0 || hasZerosToSend();
    }

    @Override
    public void close() {
        NativeMemory.unmap(slab);
    }
}
