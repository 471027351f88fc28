package dev.dray.machine.guest;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout.OfLong;
import java.nio.ByteOrder;

/// What a [GuestProgram] keeps in its memory, in the page at [#ADDRESS]. All fields are little-endian.
///
/// | offset | size | field     | meaning                                                         |
/// |-------:|-----:|-----------|-----------------------------------------------------------------|
/// |      0 |    8 | magic     | [#MAGIC]                                                        |
/// |      8 |    8 | pages     | number of the first page that it does not own                   |
/// |     16 |    8 | workload  | number of the [Workload]                                        |
/// |     24 |    8 | fill      | number of the [Fill]                                            |
/// |     32 |    8 | rate      | changed pages per second, 0 for unlimited                       |
/// |     40 |    8 | changes   | which pages a pass changes: bit 0 every twentieth, bit 1 others |
/// |     48 |    8 | scattered | counter that every twentieth page had before this pass          |
/// |     56 |    8 | others    | counter that the others had before this pass                    |
/// |     64 |    8 | pass      | the pass that was completed last                                |
/// |     72 |    8 | position  | pages visited in this pass                                      |
/// |     80 |    8 | steps     | pages visited in all                                            |
///
/// The last three are also registers of the processor. Memory and device state of different moments differ in them.
record ControlPage(MemorySegment page) {
    static final long ADDRESS = 0x5000;
    static final long MAGIC = 0x31304d4152475244L; // "DRGRAM01"
    static final int SIZE = 88;

    static final int PAGES = 8;
    static final int WORKLOAD = 16;
    static final int FILL = 24;
    static final int RATE = 32;
    static final int CHANGES = 40;
    static final int SCATTERED = 48;
    static final int OTHERS = 56;
    static final int PASS = 64;
    static final int POSITION = 72;
    static final int STEPS = 80;

    private static final OfLong WORD = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    boolean isValid() {
        return get(0) == MAGIC;
    }

    long get(int field) {
        return page.get(WORD, field);
    }

    ControlPage set(int field, long value) {
        page.set(WORD, field, value);
        return this;
    }

    void sign() {
        set(0, MAGIC);
    }
}
