package dev.dray.vmm.qemu;

import dev.dray.memory.GpaRange;
import dev.dray.memory.MemoryRegion;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads the two tables that QEMU offers as text only. Lines that look different are passed over: what was not
/// understood
/// is treated as not known, never guessed.
final class MonitorText {
    private static final Pattern VIEWS = Pattern.compile("(?m)^FlatView #");
    private static final Pattern RAM_BLOCK = Pattern.compile(
            "^\\s*(\\S.*?)\\s+(\\d+) ([KMGT])iB\\s+0x[0-9a-f]+ 0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16})\\b.*");
    private static final Pattern FLAT_RANGE = Pattern.compile(
            "^\\s*([0-9a-f]{16})-([0-9a-f]{16}) \\(prio -?\\d+, (?:ram|rom|romd|nv-ram|ramd)\\): (.+?)(?: @([0-9a-f]{16}))?(?: KVM)?\\s*$");

    private MonitorText() {}

    /// The rows of `info ramblock`.
    static List<RamBlock> ramBlocks(String text) {
        var blocks = new ArrayList<RamBlock>();
        for (String line : text.lines().toList()) {
            Matcher m = RAM_BLOCK.matcher(line);
            if (m.matches()) {
                int shift = switch (m.group(3)) {
                    case "K" -> 10;
                    case "M" -> 20;
                    case "G" -> 30;
                    default -> 40;
                };
                blocks.add(new RamBlock(
                        m.group(1), Long.parseLong(m.group(2)) << shift, hex(m.group(4)), hex(m.group(5))));
            }
        }
        return blocks;
    }

    /// Where a region appears in the view of memory that `info mtree -f` shows for the processors' address space
    /// "memory".
    static List<GpaRange> gpas(String flatViews, MemoryRegion region) {
        var ranges = new ArrayList<GpaRange>();
        for (String view : VIEWS.split(flatViews, -1)) {
            if (!view.contains("AS \"memory\"")) {
                continue;
            }
            for (String line : view.lines().toList()) {
                Matcher m = FLAT_RANGE.matcher(line);
                if (m.matches() && isName(m.group(3), region.name())) {
                    long first = hex(m.group(1));
                    long offset = m.group(4) == null ? 0 : hex(m.group(4));
                    ranges.add(new GpaRange(first, offset, hex(m.group(2)) - first + 1));
                }
            }
        }
        return ranges;
    }

    /// QEMU's memory region `vga.vram` is the RAM block `0000:00:02.0/vga.vram`.
    private static boolean isName(String memoryRegion, String ramBlock) {
        return ramBlock.equals(memoryRegion) || ramBlock.endsWith("/" + memoryRegion);
    }

    private static long hex(String digits) {
        return Long.parseUnsignedLong(digits, 16);
    }
}
