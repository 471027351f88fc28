package dev.dray.linux;

import java.lang.foreign.MemorySegment;

/// Anonymous memory outside the Java heap, and the C library's loops over memory at raw addresses. The loops
/// are downcalls, so that a page that is missing (userfaultfd) holds up this thread only, never a safepoint.
public final class NativeMemory {
    private static final long PAGE_BYTES = 4096;
    private static final CFunction MEMCPY = CFunction.of("memcpy");
    private static final CFunction MEMSET = CFunction.of("memset");
    private static final CFunction MEMCMP = CFunction.of("memcmp");
    private static final long ZERO_PAGE = map(PAGE_BYTES).address();

    private NativeMemory() {}

    /// Page-aligned zeroed memory that lives until [#unmap]; physical pages come as they are touched.
    ///
    /// @param bytes at least one; rounded up to whole pages by the kernel, not in the segment
    /// @throws OutOfMemoryError if the kernel refuses
    // SAFETY: the mapping was just made with this length and is only unmapped through this segment.
    @SuppressWarnings("restricted")
    public static MemorySegment map(long bytes) {
        try {
            long address = Mmap.mmap(
                    bytes, Mmap.PROT_READ | Mmap.PROT_WRITE, Mmap.MAP_PRIVATE | Mmap.MAP_ANONYMOUS, Mmap.NO_FD);
            return MemorySegment.ofAddress(address).reinterpret(bytes);
        } catch (SysException e) {
            OutOfMemoryError error = new OutOfMemoryError("Native memory of " + bytes + " bytes: " + e.getMessage());
            error.initCause(e);
            throw error;
        }
    }

    /// Gives back memory of [#map]; no address within it may be used afterwards, by anyone.
    public static void unmap(MemorySegment memory) {
        Mmap.unmap(memory.address(), memory.byteSize());
    }

    /// Copies bytes between places that do not overlap.
    public static void copy(long toAddress, long fromAddress, long bytes) {
        MEMCPY.call(toAddress, fromAddress, bytes);
    }

    /// Fills memory with zeros.
    public static void zero(long address, long bytes) {
        MEMSET.call(address, 0, bytes);
    }

    /// Whether all bytes are zero. Of a page with content, usually only the first line is looked at.
    public static boolean isZero(long address, long bytes) {
        for (long done = 0; done < bytes; done += PAGE_BYTES) {
            if (!isEqual(address + done, ZERO_PAGE, Math.min(PAGE_BYTES, bytes - done))) {
                return false;
            }
        }
        return true;
    }

    /// Whether both places hold the same bytes.
    public static boolean isEqual(long address, long otherAddress, long bytes) {
        return (int) MEMCMP.call(address, otherAddress, bytes) == 0;
    }
}
