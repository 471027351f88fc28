package dev.dray.snapshot;

import dev.dray.error.DrayException;
import dev.dray.memory.GpaRange;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageSize;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/// Collects findings, each told once, not more than can be read.
final class Findings {
    private final List<Finding> list = new ArrayList<>();
    private long inAll;

    void add(String object, Optional<String> snapshot, String message) {
        add(new Finding(object, snapshot, Optional.empty(), message));
    }

    void pages(String object, Snapshot snapshot, int region, long first, long pages, String message) {
        GuestRange range = range(snapshot.manifest().memory().regions().get(region), first, pages);
        add(new Finding(object, Optional.of(snapshot.id()), Optional.of(range), message));
    }

    private void add(Finding finding) {
        if (list.contains(finding)) {
            return;
        }
        inAll++;
        if (list.size() < VerifyReport.FINDINGS_MAX) {
            list.add(finding);
        }
    }

    static String text(DrayException failure) {
        return Objects.requireNonNullElse(failure.getMessage(), failure.kind());
    }

    static GuestRange range(MemoryRegion region, long first, long pages) {
        long offset = PageSize.offset(first);
        OptionalLong gpa = OptionalLong.empty();
        for (GpaRange range : region.gpas()) {
            if (offset >= range.offset() && offset < range.offset() + range.bytes()) {
                gpa = OptionalLong.of(range.gpa() + (offset - range.offset()));
            }
        }
        return new GuestRange(region.name(), offset, PageSize.offset(pages), gpa);
    }

    List<Finding> list() {
        return list;
    }

    long inAll() {
        return inAll;
    }
}
