package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.page.PageReader;
import dev.dray.vmm.RestoreImage;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Reads pages of a snapshot into a buffer that is used again. Belongs to one thread.
final class PageFetcher implements AutoCloseable {
    /// Pages in a buffer: enough to make a system call for each cheap, few enough to stay in the cache.
    static final int PAGES = 64;

    private static final byte CONTENT = (byte) PageKind.CONTENT.ordinal();

    /// Takes the pages that were read, from the thread that read them.
    interface Taker {
        /// @param first number of the first page in its region
        /// @param address of the first page's bytes; the others follow, those without content hold rubbish
        /// @param kinds ordinals of [PageKind]
        void take(int region, long first, int count, long address, byte[] kinds) throws DrayException;
    }

    private final RestoreImage image;
    private final MemorySegment slab = NativeMemory.map(PageSize.offset(PAGES));
    private final byte[] kinds = new byte[PAGES];
    private @Nullable PageReader reader;
    private long contents;

    PageFetcher(RestoreImage image) {
        this.image = image;
    }

    /// Reads pages in a row, a buffer at a time.
    void fetch(int region, long first, long count, Taker taker) throws DrayException {
        long done = 0;
        while (done < count) {
            int step = (int) Math.min(PAGES, count - done);
            read(region, first + done, step);
            taker.take(region, first + done, step, slab.address(), kinds);
            done += step;
        }
    }

    /// Page contents read so far, without zeros.
    long contents() {
        return contents;
    }

    private void read(int region, long first, int count) throws DrayException {
        PageReader from = reader;
        if (from == null) {
            from = image.pageReader();
            reader = from;
        }
        try {
            from.read(region, first, count, slab.address(), PageSize.BYTES, kinds);
        } catch (DrayException e) {
            reader = null; // the next try begins anew
            from.close();
            throw e;
        }
        for (int i = 0; i < count; i++) {
            if (kinds[i] == CONTENT) {
                contents++;
            }
        }
    }

    @Override
    public void close() {
        if (reader != null) {
            reader.close();
        }
        NativeMemory.unmap(slab);
    }
}
