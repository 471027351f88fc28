package dev.dray.page;

import dev.dray.error.DrayException;

/// Reads any page in any order. One reader belongs to one thread; many readers of one source run at once.
public interface PageReader extends AutoCloseable {
    /// Reads the pages `first`, `first + 1`, … `first + count - 1` of a region. The bytes of page `first + i`
    /// are put at `address + i * strideBytes`, 4096 of them; pages that are not [PageKind#CONTENT] leave
    /// their place untouched. Nothing is put anywhere that was not authenticated first.
    ///
    /// @param kinds receives the kind of page `first + i` at index `i`, as an ordinal of [PageKind]
    void read(int region, long first, int count, long address, long strideBytes, byte[] kinds) throws DrayException;

    @Override
    void close();
}
