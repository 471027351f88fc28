package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.page.PageServer;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;

/// Pages that go over the connection with the answer. Decoded ahead of the VMM's sweep into a cache of limited size;
/// a page leaves it when it was answered. Asked for again, it is decoded again: the VMM may not have got it.
final class InlinePages implements PageAnswers {
    /// Pages decoded ahead: 32 MiB.
    static final int AHEAD_PAGES = 8192;

    /// Room for what comes beyond that: requests and second tries, one for each thread.
    private static final int RESERVE_PAGES = 512;

    private static final byte CONTENT = (byte) PageKind.CONTENT.ordinal();

    private final PageServer server;
    private final PageCache cache = new PageCache(AHEAD_PAGES + RESERVE_PAGES);

    /// @param server of units that are pages
    InlinePages(PageServer server) {
        this.server = server;
    }

    @Override
    public void take(int region, long first, int count, long address, byte[] kinds) {
        long number = server.number(region, first);
        for (int i = 0; i < count; i++) {
            cache.put(number + i, kinds[i] == CONTENT ? address + PageSize.offset(i) : 0);
        }
    }

    @Override
    public void answer(Connection to, int region, long first, long pages, boolean repeat) throws DrayException {
        long page = server.number(region, first);
        to.write(cache.answer(page), ResponseHeader.BYTES + PageSize.BYTES);
        cache.remove(page);
    }

    @Override
    public boolean dropsAnswered() {
        return true;
    }

    @Override
    public void close() {
        cache.close();
    }
}
