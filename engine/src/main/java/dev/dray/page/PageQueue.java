package dev.dray.page;

/// Page numbers, first in, first out, in a ring that grows.
final class PageQueue {
    private long[] ring = new long[64];
    private int head;
    private int count;

    boolean isEmpty() {
        return count == 0;
    }

    int count() {
        return count;
    }

    void add(long page) {
        if (count == ring.length) {
            long[] larger = new long[count * 2];
            System.arraycopy(ring, head, larger, 0, count - head);
            System.arraycopy(ring, 0, larger, count - head, head);
            ring = larger;
            head = 0;
        }
        ring[head + count & ring.length - 1] = page;
        count++;
    }

    long remove() {
        long page = ring[head];
        head = head + 1 & ring.length - 1;
        count--;
        return page;
    }
}
