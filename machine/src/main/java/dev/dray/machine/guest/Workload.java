package dev.dray.machine.guest;

import java.util.Arrays;
import java.util.Optional;

/// What a [GuestProgram] does with its memory, pass after pass. All of them check every page that they look at.
public enum Workload {
    /// Visits and changes all pages in order.
    SWEEP(1),
    /// Visits and changes all pages in a scattered order.
    RANDOM(2),
    /// Visits all pages in order and changes every twentieth.
    SCATTERED(3),
    /// Visits and changes a sixteenth of its memory; looks at a few pages of the rest after each pass.
    HOT(4),
    /// Visits all pages and changes none.
    IDLE(5);

    static final int CHANGE_SCATTERED = 1;
    static final int CHANGE_OTHERS = 2;

    private final int number;

    Workload(int number) {
        this.number = number;
    }

    /// How a guest's memory names it.
    int number() {
        return number;
    }

    static Optional<Workload> of(long number) {
        return Arrays.stream(values()).filter(each -> each.number == number).findFirst();
    }

    /// Which pages a pass changes: a set of the two bits.
    int changes() {
        return switch (this) {
            case SWEEP, RANDOM, HOT -> CHANGE_SCATTERED | CHANGE_OTHERS;
            case SCATTERED -> CHANGE_SCATTERED;
            case IDLE -> 0;
        };
    }

    /// How many of `pages` are visited in each pass.
    long visited(long pages) {
        return this == HOT ? Math.max(1, pages / 16) : pages;
    }
}
