package dev.dray.machine.qemu;

import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// What `query-migrate` tells of an outgoing migration in numbers. Written by its sender, read by anyone.
final class MigrationCounters {
    final AtomicLong contentPages = new AtomicLong();
    final AtomicLong zeroPages = new AtomicLong();
    final AtomicLong sentBytes = new AtomicLong();
    final AtomicLong rounds = new AtomicLong();
    final AtomicLong remainingBytes = new AtomicLong();
    private final long memoryBytes;
    private final long startedNanos = System.nanoTime();
    private volatile long setUpNanos;
    private volatile long stoppedNanos;
    private volatile long downtimeNanos;
    private volatile long endedNanos;

    MigrationCounters(long memoryBytes) {
        this.memoryBytes = memoryBytes;
    }

    void setUp() {
        setUpNanos = System.nanoTime();
    }

    void guestStopped() {
        stoppedNanos = System.nanoTime();
    }

    void guestRan() {
        downtimeNanos = stoppedNanos == 0 ? 0 : System.nanoTime() - stoppedNanos;
    }

    void ended() {
        endedNanos = System.nanoTime();
    }

    ObjectNode describe(String status, long downtimeLimitMs) {
        ObjectNode node = JsonMapper.shared().createObjectNode();
        node.put("status", status);
        boolean isOver = endedNanos != 0;
        node.put("total-time", ms((isOver ? endedNanos : System.nanoTime()) - startedNanos));
        if (isOver) {
            node.put(
                    "downtime",
                    ms(downtimeNanos != 0 || stoppedNanos == 0 ? downtimeNanos : endedNanos - stoppedNanos));
        } else {
            node.put("expected-downtime", downtimeLimitMs);
        }
        node.put("setup-time", setUpNanos == 0 ? 0 : ms(setUpNanos - startedNanos));
        node.putObject("ram")
                .put("total", memoryBytes)
                .put("remaining", isOver ? 0 : remainingBytes.get())
                .put("transferred", sentBytes.get())
                .put("normal", contentPages.get())
                .put("normal-bytes", contentPages.get() * 4096)
                .put("duplicate", zeroPages.get())
                .put("page-size", 4096)
                .put("dirty-sync-count", rounds.get())
                .put("mbps", 0)
                .put("pages-per-second", 0)
                .put("dirty-pages-rate", 0)
                .put("postcopy-requests", 0)
                .put("multifd-bytes", 0);
        return node;
    }

    private static long ms(long nanos) {
        return nanos / 1_000_000;
    }
}
