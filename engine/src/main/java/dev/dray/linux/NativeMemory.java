package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Anonymous memory outside the Java heap, and the C library's loops over memory at raw addresses. The loops
/// are downcalls, so that a page that is missing (userfaultfd) holds up this thread only, never a safepoint.
public final class NativeMemory {
    private static final long PAGE_BYTES = 4096;
    private static final FunctionDescriptor POINTER_POINTER_LENGTH =
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle MEMCPY = Native.plainCall("memcpy", POINTER_POINTER_LENGTH);
    private static final MethodHandle MEMSET =
            Native.plainCall("memset", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MEMCMP =
            Native.plainCall("memcmp", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
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
        try {
            long ignored = (long) MEMCPY.invokeExact(toAddress, fromAddress, bytes);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /// Fills memory with zeros.
    public static void zero(long address, long bytes) {
        try {
            long ignored = (long) MEMSET.invokeExact(address, 0, bytes);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /// Whether all bytes are zero. Of a page with content, usually only the first line is looked at.
    public static boolean isZero(long address, long bytes) {
        try {
            for (long done = 0; done < bytes; done += PAGE_BYTES) {
                if ((int) MEMCMP.invokeExact(address + done, ZERO_PAGE, Math.min(PAGE_BYTES, bytes - done)) != 0) {
                    return false;
                }
            }
            return true;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /// Whether both places hold the same bytes.
    public static boolean isEqual(long address, long otherAddress, long bytes) {
        try {
            return (int) MEMCMP.invokeExact(address, otherAddress, bytes) == 0;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
