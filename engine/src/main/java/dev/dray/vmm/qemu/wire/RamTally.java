package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import dev.dray.memory.PageSize;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Counts the memory records of a stream that is only looked at, of every kind that QEMU has ever sent.
final class RamTally {
    private static final class Block {
        private final String name;
        private final long bytes;
        private long pages;
        private long zeroPages;
        private long otherPages;

        Block(String name, long bytes) {
            this.name = name;
            this.bytes = bytes;
        }
    }

    private final StreamInput in;
    private final StreamLimits limits;
    private final List<Block> blocks = new ArrayList<>();
    private final Map<String, Block> names = new HashMap<>();
    private boolean started;
    private int section;
    private boolean ignoresShared;
    private boolean mapped;
    private Block block = new Block("", 0);

    RamTally(StreamInput in, StreamLimits limits) {
        this.in = in;
        this.limits = limits;
    }

    void capabilities(List<String> capabilities) {
        ignoresShared = capabilities.contains("x-ignore-shared");
        mapped = capabilities.contains("mapped-ram");
    }

    void start(int id) {
        started = true;
        section = id;
    }

    boolean isSection(int id) {
        return started && section == id;
    }

    /// Reads records to the end of the section's payload and adds what they were to `node`.
    void records(ObjectNode node) throws PeerException {
        long pages = 0;
        long zeros = 0;
        long others = 0;
        int barriers = 0;
        while (true) {
            long at = in.offset();
            long head = in.u64("memory");
            int flags = RamRecord.flags(head) & ~Wire.RAM_SAVE_FLAG_CONTINUE;
            if (RamRecord.flags(head) == flags && (flags & ~PAGES) == 0 && flags != 0) {
                choose(in.name("a page's RAM block"));
            }
            switch (flags) {
                case Wire.RAM_SAVE_FLAG_EOS -> {
                    count(node, pages, zeros, others, barriers);
                    return;
                }
                case Wire.RAM_SAVE_FLAG_MULTIFD_FLUSH -> barriers++;
                case Wire.RAM_SAVE_FLAG_MEM_SIZE -> list(RamRecord.offset(head));
                case Wire.RAM_SAVE_FLAG_PAGE -> {
                    skip(PageSize.BYTES);
                    block.pages++;
                    pages++;
                }
                case Wire.RAM_SAVE_FLAG_ZERO -> {
                    skip(1);
                    block.zeroPages++;
                    zeros++;
                }
                case Wire.RAM_SAVE_FLAG_XBZRLE -> {
                    skip(1);
                    skip(in.u16("a compressed page"));
                    block.otherPages++;
                    others++;
                }
                case Wire.RAM_SAVE_FLAG_COMPRESS_PAGE -> {
                    skip(in.length(2 * PageSize.BYTES, "a compressed page"));
                    block.otherPages++;
                    others++;
                }
                default ->
                    throw Refusal.broken("The memory record at offset " + at + " has " + RamRecord.words(head)
                            + ", which is unknown");
            }
        }
    }

    private static final int PAGES = Wire.RAM_SAVE_FLAG_PAGE
            | Wire.RAM_SAVE_FLAG_ZERO
            | Wire.RAM_SAVE_FLAG_XBZRLE
            | Wire.RAM_SAVE_FLAG_COMPRESS_PAGE;

    private static void count(ObjectNode node, long pages, long zeros, long others, int barriers) {
        node.put("pages", pages).put("zero_pages", zeros);
        if (others > 0) {
            node.put("compressed_pages", others);
        }
        if (barriers > 0) {
            node.put("barriers", barriers);
        }
    }

    private void choose(String name) throws PeerException {
        Block named = names.get(name);
        if (named == null) {
            throw Refusal.broken(
                    "A page before offset " + in.offset() + " is for RAM block '" + name + "', which is not listed");
        }
        block = named;
    }

    private void list(long total) throws PeerException {
        for (long left = total; left > 0; ) {
            String name = in.name("a RAM block");
            long bytes = in.u64("RAM block " + name);
            if (Long.compareUnsigned(bytes, left) > 0 || blocks.size() == limits.blocks()) {
                throw Refusal.broken(
                        "RAM block '" + name + "' is too large, or there are more than " + limits.blocks());
            }
            var entry = new Block(name, bytes);
            blocks.add(entry);
            names.put(name, entry);
            left -= bytes;
            // With post-copy, blocks of large pages are followed by the page size. It cannot be mistaken for the next
            // entry, whose first byte is the length of a name.
            if (in.has(8) && in.peekAt(0) == 0 && in.peekU32At(0) == 0 && in.peekU32At(4) >= PageSize.BYTES) {
                in.u64("a page size");
            }
            if (ignoresShared) {
                in.u64("a guest-physical address");
            }
            if (mapped) {
                throw Refusal.unsupported(
                        "This is a mapped-ram file: pages lie at offsets of the file, not in the stream", "");
            }
        }
    }

    private void skip(int bytes) throws PeerException {
        in.need(bytes, "memory");
        in.advanceTo(in.position() + bytes);
    }

    void print(ArrayNode into) {
        for (Block b : blocks) {
            ObjectNode node = into.addObject().put("name", b.name).put("bytes", b.bytes);
            node.put("pages", b.pages).put("zero_pages", b.zeroPages);
            if (b.otherPages > 0) {
                node.put("compressed_pages", b.otherPages);
            }
        }
    }
}
