package dev.dray.machine.guest;

import dev.dray.machine.guest.PageError.Kind;
import dev.dray.machine.vmm.MachineMemory;
import dev.dray.memory.PageSize;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// The guest of the built-in machine: fills its memory with the [PagePattern], then checks and changes page after page
/// for ever, and reports on its [SerialPort] what [BareMetalGuest] reports on its, and takes the same commands there.
///
/// One [#step] is one visit of one page, and is done wholly or not at all, so that the guest can be stopped between
/// any two. Everything it must remember is in its memory ([ControlPage]) or in its registers, and some of it in both.
///
/// It owns main memory from 1 MiB on. Belongs to the processor's thread; the registers are read and set
/// while that stands still.
public final class GuestProgram {
    /// Number of the first page that it owns.
    static final long FIRST_PAGE = 256;

    private static final long CONTROL_PAGE = PageSize.index(ControlPage.ADDRESS);

    /// Pages beyond the visited ones that are checked after each pass.
    private static final int COLD_PAGES = 64;

    /// A prime larger than any number of pages, so that its multiples, modulo that number, are all different.
    private static final long SCATTER = 2_654_435_761L;

    /// The processor's registers: what was completed, and how far the program is.
    public record Registers(long pass, long position, long steps) {}

    private final MachineMemory memory;
    private final SerialPort serial;
    private final ControlPage control;
    private Registers registers = new Registers(0, 0, 0);
    private Workload workload = Workload.IDLE;
    private PagePattern pattern = new PagePattern(Fill.HALF);
    private long coldCursor;
    private boolean halted;

    public GuestProgram(MachineMemory memory, SerialPort serial) {
        this.memory = memory;
        this.serial = serial;
        this.control = new ControlPage(content(CONTROL_PAGE));
    }

    /// Fills memory and begins with pass 1.
    public void start(ProgramSettings settings) {
        registers = new Registers(0, 0, 0);
        halted = false;
        workload = settings.workload();
        pattern = new PagePattern(settings.fill());
        long end = memory.mainPages();
        for (long number = FIRST_PAGE; number < end; number++) {
            long page = number;
            if (pattern.kind(page) != PagePattern.PageKind.ZERO) {
                write(page, content -> pattern.fill(content, page, 0));
            }
        }
        changeControl(() -> {
            control.set(ControlPage.PAGES, end)
                    .set(ControlPage.WORKLOAD, workload.number())
                    .set(ControlPage.FILL, settings.fill().number())
                    .set(ControlPage.RATE, rate(settings.dirtyBytesPerSecond()))
                    .set(ControlPage.CHANGES, workload.changes());
            control.sign();
        });
        serial.print(String.format(Locale.ROOT, "F%08x", PageSize.offset(end)));
    }

    private static long rate(long bytesPerSecond) {
        return bytesPerSecond == 0 ? 0 : Math.max(1, bytesPerSecond / PageSize.BYTES);
    }

    /// Goes on as another program of its kind, whose memory is in place already.
    public void resume(Registers other) {
        registers = other;
        halted = false;
        touch(CONTROL_PAGE, () -> false);
        Optional<Workload> load = Workload.of(control.get(ControlPage.WORKLOAD));
        Optional<Fill> fill = Fill.of(control.get(ControlPage.FILL));
        if (!control.isValid() || load.isEmpty() || fill.isEmpty() || end() != memory.mainPages()) {
            halt(new PageError(ControlPage.ADDRESS, Kind.ZEROED, 0, (int) ControlPage.MAGIC));
            return;
        }
        workload = load.get();
        pattern = new PagePattern(fill.get());
        coldCursor = FIRST_PAGE + visited();
    }

    public Registers registers() {
        return registers;
    }

    /// Whether it has found an error and stands still for ever.
    boolean isHalted() {
        return halted;
    }

    /// Changed pages per second that it was told to keep to, 0 for unlimited.
    long rate() {
        return control.get(ControlPage.RATE);
    }

    /// Visits one page.
    ///
    /// @param giveUp asked while it has to wait for a page to become writable
    /// @return whether it changed a page
    boolean step(BooleanSupplier giveUp) {
        if (halted || !touch(CONTROL_PAGE, giveUp)) {
            return false;
        }
        long position = registers.position;
        if (control.get(ControlPage.STEPS) != registers.steps
                || control.get(ControlPage.PASS) != registers.pass
                || control.get(ControlPage.POSITION) != position) {
            halt(new PageError(
                    ControlPage.ADDRESS, Kind.REGISTER, (int) registers.steps, (int) control.get(ControlPage.STEPS)));
            return false;
        }
        long visited = visited();
        long index = workload == Workload.RANDOM ? position * SCATTER % visited : position;
        long page = FIRST_PAGE + index;
        boolean isScattered = index % BareMetalGuest.SCATTER_PAGES == 0;
        int counter = (int) control.get(isScattered ? ControlPage.SCATTERED : ControlPage.OTHERS);
        if (!touch(page, giveUp)) {
            return false;
        }
        Optional<PageError> error = pattern.check(content(page), page, counter);
        if (error.isPresent()) {
            halt(error.get());
            return false;
        }
        int change = isScattered ? Workload.CHANGE_SCATTERED : Workload.CHANGE_OTHERS;
        boolean changes =
                (control.get(ControlPage.CHANGES) & change) != 0 && pattern.kind(page) != PagePattern.PageKind.ZERO;
        if (!prepare(page, changes, giveUp)) {
            return false;
        }
        if (changes) {
            int next = (int) registers.pass + 1;
            write(page, content -> pattern.stamp(content, page, next));
        }
        advance(visited);
        return changes;
    }

    private boolean prepare(long page, boolean changes, BooleanSupplier giveUp) {
        return prepareWrite(CONTROL_PAGE, giveUp) && (!changes || prepareWrite(page, giveUp));
    }

    private void advance(long visited) {
        long position = registers.position + 1;
        boolean isOver = position == visited;
        registers =
                new Registers(isOver ? registers.pass + 1 : registers.pass, isOver ? 0 : position, registers.steps + 1);
        changeControl(() -> {
            control.set(ControlPage.PASS, registers.pass)
                    .set(ControlPage.POSITION, registers.position)
                    .set(ControlPage.STEPS, registers.steps);
            if (isOver) {
                passOver();
            }
        });
    }

    private void passOver() {
        long changes = control.get(ControlPage.CHANGES);
        if ((changes & Workload.CHANGE_SCATTERED) != 0) {
            control.set(ControlPage.SCATTERED, registers.pass);
        }
        if ((changes & Workload.CHANGE_OTHERS) != 0) {
            control.set(ControlPage.OTHERS, registers.pass);
        }
        checkCold(COLD_PAGES);
        serial.read().ifPresent(this::obey);
        if (!halted) {
            serial.print(String.format(Locale.ROOT, "%08x", registers.pass));
        }
    }

    private void obey(char command) {
        switch (command) {
            case BareMetalGuest.DENSE ->
                control.set(ControlPage.CHANGES, Workload.CHANGE_SCATTERED | Workload.CHANGE_OTHERS);
            case BareMetalGuest.SCATTERED -> control.set(ControlPage.CHANGES, Workload.CHANGE_SCATTERED);
            case BareMetalGuest.LOOK -> control.set(ControlPage.CHANGES, 0);
            case BareMetalGuest.VERIFY -> {
                verify().ifPresentOrElse(
                                this::halt, () -> serial.print(String.format(Locale.ROOT, "V%08x", registers.pass)));
            }
            default -> {
                // Any other character is not a command.
            }
        }
    }

    /// Checks the next few of the pages that are not visited, going round.
    private void checkCold(int count) {
        long first = FIRST_PAGE + visited();
        for (int i = 0; i < count && first < end() && !halted; i++) {
            coldCursor = coldCursor < first || coldCursor >= end() ? first : coldCursor;
            touch(coldCursor, () -> false);
            pattern.check(content(coldCursor), coldCursor, 0).ifPresent(this::halt);
            coldCursor++;
        }
    }

    /// Checks every page that it owns, between two passes.
    private Optional<PageError> verify() {
        long visited = visited();
        for (long index = 0; FIRST_PAGE + index < end(); index++) {
            boolean isScattered = index % BareMetalGuest.SCATTER_PAGES == 0;
            long counter = control.get(isScattered ? ControlPage.SCATTERED : ControlPage.OTHERS);
            long page = FIRST_PAGE + index;
            touch(page, () -> false);
            Optional<PageError> error = pattern.check(content(page), page, index < visited ? (int) counter : 0);
            if (error.isPresent()) {
                return error;
            }
        }
        return Optional.empty();
    }

    private MemorySegment content(long page) {
        int block = memory.mainBlock(page);
        return memory.block(block).page(page - memory.mainFirst(block));
    }

    private boolean touch(long page, BooleanSupplier giveUp) {
        int block = memory.mainBlock(page);
        return memory.touch(block, page - memory.mainFirst(block), giveUp);
    }

    private boolean prepareWrite(long page, BooleanSupplier giveUp) {
        int block = memory.mainBlock(page);
        return memory.prepareWrite(block, page - memory.mainFirst(block), giveUp);
    }

    private void write(long page, Consumer<MemorySegment> change) {
        int block = memory.mainBlock(page);
        memory.write(block, page - memory.mainFirst(block), change);
    }

    private long end() {
        return control.get(ControlPage.PAGES);
    }

    private long visited() {
        return workload.visited(end() - FIRST_PAGE);
    }

    private void changeControl(Runnable change) {
        write(CONTROL_PAGE, _ -> change.run());
    }

    private void halt(PageError error) {
        halted = true;
        serial.print(error.toString());
    }
}
