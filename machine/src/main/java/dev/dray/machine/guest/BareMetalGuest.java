package dev.dray.machine.guest;

import static dev.dray.machine.guest.Assembler.Condition.BELOW;
import static dev.dray.machine.guest.Assembler.Condition.EQUAL;
import static dev.dray.machine.guest.Assembler.Condition.NOT_BELOW;
import static dev.dray.machine.guest.Assembler.Condition.NOT_EQUAL;
import static dev.dray.machine.guest.Assembler.Operation.ADD;
import static dev.dray.machine.guest.Assembler.Operation.AND;
import static dev.dray.machine.guest.Assembler.Operation.CMP;
import static dev.dray.machine.guest.Assembler.Operation.XOR;
import static dev.dray.machine.guest.Register.EAX;
import static dev.dray.machine.guest.Register.EBP;
import static dev.dray.machine.guest.Register.EBX;
import static dev.dray.machine.guest.Register.ECX;
import static dev.dray.machine.guest.Register.EDI;
import static dev.dray.machine.guest.Register.EDX;
import static dev.dray.machine.guest.Register.ESI;
import static dev.dray.machine.guest.Register.ESP;

import dev.dray.memory.PageSize;
import java.util.Arrays;

/// A guest for a real VMM that needs no operating system: it fills its memory with the [PagePattern], then
/// checks and changes each page for ever, and reports on the first serial port. Its code is emitted here, so
/// that no assembler is needed and every byte has its comment.
///
/// It starts from a floppy or a disk (`-drive if=floppy,format=raw,readonly=on,file=IMAGE`) and needs nothing
/// but memory, a serial port at 3f8h and, with a dirty rate, the timer. It prints lines ([GuestReport] reads
/// them), all numbers hexadecimal:
///
/// | line                               | meaning                                                       |
/// |------------------------------------|---------------------------------------------------------------|
/// | `F<end>`                           | memory is filled up to `end`                                  |
/// | `<pass>`                           | all pages were right, and changed, in this pass; 8 digits     |
/// | `V<pass>`                          | the command [#VERIFY] found every page right                  |
/// | `X<address> <kind> <found> <want>` | a page is wrong: [PageError]; the guest then stands still     |
///
/// After each pass it takes one command byte from the serial port: [#DENSE], [#SCATTERED], [#LOOK], [#VERIFY].
///
/// Its state is spread on purpose: pages, variables in low memory, and the pass and position in registers. If
/// a restored guest has any of them from another moment, it finds that out.
///
/// Registers of the main loop: EBP the pass that was completed last, EDI the address of the page, ESI the
/// counter that the page should have, EBX the address of the block.
public final class BareMetalGuest {
    /// Command: change every page that is visited, which is the default.
    public static final char DENSE = 'd';

    /// Command: change every twentieth page only.
    public static final char SCATTERED = 's';

    /// Command: only look, change no page.
    public static final char LOOK = 'r';

    /// Command: check every byte of every page once, those that are not visited otherwise too.
    public static final char VERIFY = 'v';

    /// Distance of the pages that are changed in scattered mode.
    public static final int SCATTER_PAGES = 20;

    /// Size of the image: a 1.44 MB floppy, so that a firmware guesses its geometry right.
    public static final int IMAGE_BYTES = 1_474_560;

    /// Timer interrupts per second, if there is a dirty rate.
    private static final int TICKS_PER_SECOND = 100;

    private static final int TIMER_DIVISOR = 1_193_182 / TICKS_PER_SECOND;
    private static final int TIMER_VECTOR = 0x20;
    private static final int SERIAL = 0x3f8;
    private static final int LINE_STATUS = SERIAL + 5;

    /// Low memory: interrupt table, variables, stack. Not in the pages of the code, because a VMM that
    /// translates code would translate it again after each write beside it.
    private static final int INTERRUPTS = 0x4000;

    private static final int VARIABLES = 0x5000;
    private static final int STACK = 0x7000;

    private static final int PASS = VARIABLES;
    /// The counter that every twentieth page has, and the one that the others have.
    private static final int COUNTER_SCATTERED = VARIABLES + 4;

    private static final int COUNTER_OTHERS = VARIABLES + 8;
    /// Which pages are changed: bit 0 every twentieth, bit 1 the others.
    private static final int CHANGE = VARIABLES + 12;

    private static final int CHANGE_SCATTERED = 1;
    private static final int CHANGE_OTHERS = 2;
    /// Pages since the last twentieth.
    private static final int PHASE = VARIABLES + 16;

    private static final int COLD_CURSOR = VARIABLES + 20;
    /// Not 0: check every byte whatever the thoroughness.
    private static final int EVERYTHING = VARIABLES + 24;

    private static final int KIND = VARIABLES + 28;
    private static final int TICKS = VARIABLES + 32;
    private static final int BATCH_LEFT = VARIABLES + 36;
    private static final int BATCH_END = VARIABLES + 40;
    private static final int FOUND = VARIABLES + 44;
    private static final int WANTED = VARIABLES + 48;
    private static final int VARIABLES_END = VARIABLES + 52;

    private final Parameters parameters;
    private final Assembler code = new Assembler(BootSector.ORIGIN);

    private BareMetalGuest(Parameters parameters) {
        this.parameters = parameters;
    }

    /// The bytes of a bootable floppy image.
    public static byte[] image(Parameters parameters) {
        // The number of sectors is known only when the code is there: emit it twice.
        int sectors = new BareMetalGuest(parameters).emit(1).length / BootSector.SECTOR_BYTES - 1;
        return Arrays.copyOf(new BareMetalGuest(parameters).emit(sectors), IMAGE_BYTES);
    }

    private byte[] emit(int moreSectors) {
        BootSector.emit(code, moreSectors);
        start();
        fill();
        passes();
        sweep();
        checkCold();
        commands();
        checkPage();
        classify();
        if (isPaced()) {
            pace();
        }
        print();
        int sectors = (code.offset() + BootSector.SECTOR_BYTES - 1) / BootSector.SECTOR_BYTES;
        return code.padTo(sectors * BootSector.SECTOR_BYTES).assemble();
    }

    private boolean isPaced() {
        return parameters.dirtyBytesPerSecond() != 0;
    }

    private int start() {
        code.bytes(0x66, 0xb8).u16(BootSector.DATA_SEGMENT); // mov ax, data
        code.bytes(0x8e, 0xd8); // mov ds, ax
        code.bytes(0x8e, 0xc0); // mov es, ax
        code.bytes(0x8e, 0xd0); // mov ss, ax
        code.mov(ESP, STACK);
        code.bytes(0xfc); // cld
        for (int variable = VARIABLES; variable < VARIABLES_END; variable += 4) {
            code.storeValue(variable, 0);
        }
        code.movAl(0).out(SERIAL + 1); // no serial interrupts
        code.movAl(3).out(SERIAL + 3); // 8 bits, no parity
        code.movAl(1).out(SERIAL + 2); // FIFO, so that several commands can wait
        code.storeValue(CHANGE, CHANGE_SCATTERED | CHANGE_OTHERS);
        code.storeValue(COLD_CURSOR, (int) parameters.hotEnd());
        code.mov(EBP, 0);
        if (isPaced()) {
            startTimer();
        }
        return code.offset();
    }

    /// Writes the pattern with counter 0 to all pages. A page that is to be zero and is zero already is not
    /// written, so that a VMM need not have memory for it.
    private void fill() {
        code.mov(EDI, (int) parameters.start());
        code.label("fill page").call("kind of page");
        code.apply(CMP, EAX, parameters.fill().zeroOf16()).jump(NOT_BELOW, "fill content");
        code.call("is page zero").jump(EQUAL, "fill next");
        code.push(EDI).mov(EAX, 0).mov(ECX, PageSize.BYTES / 4);
        code.bytes(0xf3, 0xab); // rep stosd
        code.pop(EDI).jump("fill next");
        code.label("fill content").mov(EBX, EDI);
        code.label("fill block");
        code.mov(EAX, 0).store(EBX, 0, EAX); // counter
        code.mov(ECX, EBX).shiftRight(ECX, PagePattern.BLOCK_SHIFT);
        code.mov(EAX, ECX).apply(XOR, EAX, PagePattern.PLACE_MASK).store(EBX, 4, EAX);
        body("fill", () -> code.store(EDX, 0, ECX), () -> code.store(EDX, 0, EAX));
        code.apply(ADD, EBX, PagePattern.BLOCK_BYTES);
        code.test(EBX, PageSize.BYTES - 1).jump(NOT_EQUAL, "fill block");
        code.label("fill next").apply(ADD, EDI, PageSize.BYTES);
        code.apply(CMP, EDI, (int) parameters.end()).jump(BELOW, "fill page");
        code.movAl('F').call("print AL").mov(EAX, EDI).call("print EAX").call("print newline");
    }

    /// Goes over a block's body: EDX is the word's address, ECX the next pseudo-random word, EAX the repeated
    /// one. ECX must be the block's number before.
    private void body(String name, Runnable onRandom, Runnable onRepeated) {
        code.multiply(ECX, ECX, PagePattern.SPREAD);
        code.mov(EDX, EBX).apply(ADD, EDX, PagePattern.BODY_OFFSET);
        code.compare(KIND, parameters.fill().zeroOf16() + parameters.fill().randomOf16());
        code.jump(NOT_BELOW, name + " repeating");
        code.label(name + " random word");
        nextRandom();
        onRandom.run();
        code.apply(ADD, EDX, 4).test(EDX, PagePattern.BLOCK_BYTES - 1).jump(NOT_EQUAL, name + " random word");
        code.jump(name + " done");
        code.label(name + " repeating");
        code.mov(EAX, EDI).shiftRight(EAX, PagePattern.PAGE_SHIFT).apply(XOR, EAX, PagePattern.REPEAT_MASK);
        code.label(name + " word").push(EDX).apply(AND, EDX, PagePattern.RANDOM_OFFSET_MASK);
        code.apply(CMP, EDX, PagePattern.RANDOM_OFFSET_MASK).pop(EDX).jump(NOT_EQUAL, name + " repeated");
        nextRandom();
        onRandom.run();
        code.jump(name + " next word");
        code.label(name + " repeated");
        onRepeated.run();
        code.label(name + " next word").apply(ADD, EDX, 4).test(EDX, PagePattern.BLOCK_BYTES - 1);
        code.jump(NOT_EQUAL, name + " word");
        code.label(name + " done");
    }

    private void nextRandom() {
        code.multiply(ECX, ECX, PagePattern.NEXT_FACTOR).apply(ADD, ECX, PagePattern.NEXT_INCREMENT);
    }

    private void passes() {
        code.label("pass").call("sweep").call("check cold");
        code.increment(EBP).store(PASS, EBP);
        code.mov(EAX, CHANGE_SCATTERED).test(CHANGE, EAX).jump(EQUAL, "scattered not changed");
        code.store(COUNTER_SCATTERED, EBP);
        code.label("scattered not changed").mov(EAX, CHANGE_OTHERS).test(CHANGE, EAX);
        code.jump(EQUAL, "others not changed").store(COUNTER_OTHERS, EBP);
        code.label("others not changed");
        code.mov(EAX, EBP).call("print EAX").call("print newline");
        if (parameters.scatteredFromPass() != 0) {
            code.apply(CMP, EBP, parameters.scatteredFromPass()).jump(NOT_EQUAL, "not yet scattered");
            code.storeValue(CHANGE, CHANGE_SCATTERED).label("not yet scattered");
        }
        code.call("command").jump("pass");
    }

    /// Checks all pages up to `hotEnd`, and changes those that are to be changed.
    private void sweep() {
        code.label("sweep").mov(EDI, (int) parameters.start()).storeValue(PHASE, 0);
        code.label("sweep page");
        forgetTranslations();
        code.compare(EBP, PASS).jump(NOT_EQUAL, "wrong register");
        code.load(ESI, COUNTER_SCATTERED).mov(EDX, CHANGE_SCATTERED);
        code.compare(PHASE, 0).jump(EQUAL, "sweep check");
        code.load(ESI, COUNTER_OTHERS).mov(EDX, CHANGE_OTHERS);
        code.label("sweep check").push(EDX).call("check page").pop(EDX);
        code.test(CHANGE, EDX).jump(EQUAL, "sweep next");
        code.compare(KIND, parameters.fill().zeroOf16()).jump(BELOW, "sweep next");
        code.mov(EAX, EBP).increment(EAX);
        for (int block = 0; block < PageSize.BYTES; block += PagePattern.BLOCK_BYTES) {
            code.store(EDI, block, EAX);
        }
        if (isPaced()) {
            code.call("pace");
        }
        code.label("sweep next").increment(PHASE);
        code.compare(PHASE, SCATTER_PAGES).jump(BELOW, "sweep phase");
        code.storeValue(PHASE, 0);
        code.label("sweep phase").apply(ADD, EDI, PageSize.BYTES);
        code.apply(CMP, EDI, (int) parameters.hotEnd()).jump(BELOW, "sweep page");
        code.ret();
    }

    /// Toggles CR0.WP, which means nothing here, but makes a VMM that translates code forget where pages are.
    /// QEMU 7.2 under TCG does not see writes through what it remembers from before a round of dirty tracking,
    /// and would lose pages in a live migration.
    private void forgetTranslations() {
        code.bytes(0x0f, 0x20, 0xc0); // mov eax, cr0
        code.apply(XOR, EAX, 1 << 16);
        code.bytes(0x0f, 0x22, 0xc0); // mov cr0, eax
    }

    /// Checks the next few of the pages that are never changed: `check cold`; or all: `check all cold`.
    private void checkCold() {
        long cold = PageSize.pages(parameters.end() - parameters.hotEnd());
        code.label("check all cold").mov(ECX, (int) cold).jump("check so many");
        code.label("check cold").mov(ECX, (int) Math.min(cold, parameters.coldPages()));
        code.label("check so many").apply(CMP, ECX, 0).jump(EQUAL, "cold checked");
        code.load(EDI, COLD_CURSOR).mov(ESI, 0);
        code.push(ECX).call("check page").pop(ECX);
        code.apply(ADD, EDI, PageSize.BYTES);
        code.apply(CMP, EDI, (int) parameters.end()).jump(BELOW, "cold next");
        code.mov(EDI, (int) parameters.hotEnd());
        code.label("cold next").store(COLD_CURSOR, EDI);
        code.decrement(ECX).jump("check so many");
        code.label("cold checked").ret();
    }

    private void commands() {
        code.label("command").in(LINE_STATUS).test(EAX, 1).jump(EQUAL, "command done");
        code.in(SERIAL).apply(AND, EAX, 0xff);
        change(DENSE, CHANGE_SCATTERED | CHANGE_OTHERS);
        change(SCATTERED, CHANGE_SCATTERED);
        change(LOOK, 0);
        code.apply(CMP, EAX, VERIFY).jump(NOT_EQUAL, "command done");
        code.load(EAX, CHANGE).push(EAX);
        code.storeValue(CHANGE, 0).storeValue(EVERYTHING, 1);
        code.call("sweep").call("check all cold");
        code.storeValue(EVERYTHING, 0).pop(EAX).store(CHANGE, EAX);
        code.movAl('V').call("print AL").mov(EAX, EBP).call("print EAX").call("print newline");
        code.label("command done").ret();
    }

    private void change(char command, int pages) {
        code.apply(CMP, EAX, command).jump(NOT_EQUAL, "not " + command);
        code.storeValue(CHANGE, pages).ret();
        code.label("not " + command);
    }

    /// Checks the page at EDI, which should have counter ESI, and leaves its kind in [#KIND]. Comes back only
    /// if it is right. Changes EAX, EBX, ECX, EDX.
    private void checkPage() {
        code.label("check page").call("kind of page");
        code.apply(CMP, EAX, parameters.fill().zeroOf16()).jump(NOT_BELOW, "check content");
        code.call("is page zero").jump(NOT_EQUAL, "not zero").ret();
        code.label("check content").mov(EBX, EDI);
        code.label("check block").load(EAX, EBX, 0).apply(CMP, EAX, ESI).jump(NOT_EQUAL, "wrong block");
        code.load(EAX, EBX, 4).apply(XOR, EAX, PagePattern.PLACE_MASK);
        code.mov(ECX, EBX).shiftRight(ECX, PagePattern.BLOCK_SHIFT);
        code.apply(CMP, EAX, ECX).jump(NOT_EQUAL, "wrong block");
        if (parameters.thoroughness() == Thoroughness.ONE_BLOCK_A_PASS) {
            code.compare(EVERYTHING, 0).jump(NOT_EQUAL, "check body");
            code.mov(EAX, ECX).apply(XOR, EAX, EBP).test(EAX, 7).jump(NOT_EQUAL, "check done");
            code.label("check body");
        }
        body(
                "check",
                () -> code.compare(EDX, 0, ECX).jump(NOT_EQUAL, "wrong random"),
                () -> code.compare(EDX, 0, EAX).jump(NOT_EQUAL, "wrong repeated"));
        // "check done" is where body() ends.
        code.apply(ADD, EBX, PagePattern.BLOCK_BYTES);
        code.test(EBX, PageSize.BYTES - 1).jump(NOT_EQUAL, "check block").ret();

        code.label("kind of page").mov(EAX, EDI).shiftRight(EAX, PagePattern.PAGE_SHIFT);
        code.multiply(EAX, EAX, PagePattern.SPREAD).shiftRight(EAX, 28);
        code.store(KIND, EAX).ret();

        // Equal if the page at EDI is all zeros; EBX is then the address behind the last word looked at.
        code.label("is page zero").push(EDI).mov(EAX, 0).mov(ECX, PageSize.BYTES / 4);
        code.bytes(0xf3, 0xaf); // repe scasd
        code.mov(EBX, EDI).pop(EDI).ret();
    }

    /// Finds out in what way the page at EDI is wrong, prints it, and stands still.
    private void classify() {
        wrong(
                "wrong register",
                PageError.Kind.REGISTER,
                () -> code.store(FOUND, EBP).load(EAX, PASS).store(WANTED, EAX));
        wrong(
                "not zero",
                PageError.Kind.NOT_ZERO,
                () -> code.load(EAX, EBX, -4).store(FOUND, EAX).storeValue(WANTED, 0));
        wrong(
                "wrong repeated",
                PageError.Kind.BODY,
                () -> code.store(WANTED, EAX).load(EAX, EDX, 0).store(FOUND, EAX));
        wrong(
                "wrong random",
                PageError.Kind.BODY,
                () -> code.store(WANTED, ECX).load(EAX, EDX, 0).store(FOUND, EAX));
        code.label("wrong block").load(EAX, EBX, 0).store(FOUND, EAX).store(WANTED, ESI);
        code.push(EBX).call("is page zero").pop(EBX).jump(EQUAL, "zeroed");
        code.load(EAX, EBX, 4).apply(CMP, EAX, 0).jump(EQUAL, "torn");
        code.apply(XOR, EAX, PagePattern.PLACE_MASK).shiftLeft(EAX, PagePattern.BLOCK_SHIFT);
        code.apply(CMP, EAX, EBX).jump(NOT_EQUAL, "moved");
        for (int block = 0; block < PageSize.BYTES; block += PagePattern.BLOCK_BYTES) {
            code.compare(EDI, block, ESI).jump(EQUAL, "torn");
        }
        wrong("stale", PageError.Kind.STALE, () -> {});
        wrong("zeroed", PageError.Kind.ZEROED, () -> {});
        wrong("torn", PageError.Kind.TORN, () -> {});
        wrong("moved", PageError.Kind.MOVED, () -> code.store(FOUND, EAX).store(WANTED, EBX));
        code.label("print error").push(EAX).movAl('X').call("print AL");
        code.mov(EAX, EDI).call("print EAX").movAl(' ').call("print AL");
        code.pop(EAX).call("print AL").movAl(' ').call("print AL");
        code.load(EAX, FOUND).call("print EAX").movAl(' ').call("print AL");
        code.load(EAX, WANTED).call("print EAX").call("print newline");
        code.label("halt").bytes(0xfa).bytes(0xf4).jump("halt"); // cli, hlt
    }

    private void wrong(String label, PageError.Kind kind, Runnable remember) {
        code.label(label);
        remember.run();
        code.movAl(kind.letter()).jump("print error");
    }

    /// Sets the timer to 100 interrupts a second on vector 20h, and masks all other interrupts.
    private void startTimer() {
        code.mov(EAX, 0).mov(EDI, INTERRUPTS).mov(ECX, 2 * (TIMER_VECTOR + 1));
        code.bytes(0xf3, 0xab); // rep stosd: no interrupt but the timer's has a handler
        int entry = INTERRUPTS + 8 * TIMER_VECTOR;
        code.bytes(0xb8).addressOf("tick"); // mov eax, tick
        code.apply(AND, EAX, 0xffff).apply(Assembler.Operation.OR, EAX, BootSector.CODE_SEGMENT << 16);
        code.store(entry, EAX).storeValue(entry + 4, 0x8e00); // tick is below 64 KiB; 32-bit interrupt gate
        int table = VARIABLES_END;
        code.storeValue(table, (8 * (TIMER_VECTOR + 1) - 1) | (INTERRUPTS << 16))
                .storeValue(table + 4, 0);
        code.bytes(0x0f, 0x01, 0x1d).u32(table); // lidt: 16 bits limit, 32 bits address
        // spotless:off
        int[][] ports = {
            {0x20, 0x11}, {0xa0, 0x11}, // both interrupt controllers: initialize
            {0x21, TIMER_VECTOR}, {0xa1, TIMER_VECTOR + 8}, // their vectors
            {0x21, 4}, {0xa1, 2}, // the second is behind line 2 of the first
            {0x21, 1}, {0xa1, 1}, // 8086 mode
            {0x21, 0xfe}, {0xa1, 0xff}, // only line 0, the timer
            {0x43, 0x34}, {0x40, TIMER_DIVISOR & 0xff}, {0x40, TIMER_DIVISOR >> 8}, // timer 0, periodic
        };
        // spotless:on
        for (int[] port : ports) {
            code.movAl(port[1]).out(port[0]);
        }
        code.storeValue(BATCH_LEFT, batchPages()).storeValue(BATCH_END, batchTicks());
        code.bytes(0xfb); // sti
    }

    private long pagesPerSecond() {
        return Math.max(1, parameters.dirtyBytesPerSecond() / PageSize.BYTES);
    }

    private int batchPages() {
        return (int) Math.max(1, pagesPerSecond() / TICKS_PER_SECOND);
    }

    private int batchTicks() {
        return (int) Math.max(1, TICKS_PER_SECOND / pagesPerSecond());
    }

    /// Called for each changed page: after a batch of them, sleeps until the batch's time is over. Time lost
    /// while the machine stood still is not caught up.
    private void pace() {
        code.label("pace").decrement(BATCH_LEFT).jump(EQUAL, "pace batch").ret();
        code.label("pace batch").storeValue(BATCH_LEFT, batchPages());
        code.label("pace wait").bytes(0xfa); // cli
        code.load(EAX, TICKS).compare(EAX, BATCH_END).jump(NOT_BELOW, "pace over");
        code.bytes(0xfb, 0xf4); // sti, hlt: an interrupt cannot come between the two
        code.jump("pace wait");
        code.label("pace over").apply(ADD, EAX, batchTicks()).store(BATCH_END, EAX);
        code.bytes(0xfb).ret(); // sti

        code.label("tick").push(EAX).increment(TICKS);
        code.bytes(0xb0, 0x20, 0xe6, 0x20); // mov al, 20h; out 20h, al: end of interrupt
        code.pop(EAX).bytes(0xcf); // iret
    }

    private void print() {
        code.label("print newline").movAl('\n').jump("print AL");

        // Prints EAX as 8 digits. Changes EAX, ECX.
        code.label("print EAX").mov(ECX, 8);
        code.label("print digit").rotateLeft(EAX, 4).push(EAX).apply(AND, EAX, 0xf);
        code.apply(CMP, EAX, 10).jump(BELOW, "print below ten");
        code.apply(ADD, EAX, 'a' - '0' - 10);
        code.label("print below ten").apply(ADD, EAX, '0');
        code.call("print AL")
                .pop(EAX)
                .decrement(ECX)
                .jump(NOT_EQUAL, "print digit")
                .ret();

        // Prints AL when the serial port is ready. Changes EAX.
        code.label("print AL").push(EDX).push(EAX);
        code.label("print wait").in(LINE_STATUS).test(EAX, 0x20).jump(EQUAL, "print wait");
        code.pop(EAX).out(SERIAL).pop(EDX).ret();
    }
}
