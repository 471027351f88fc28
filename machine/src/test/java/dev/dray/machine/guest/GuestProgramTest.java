package dev.dray.machine.guest;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.guest.PageError.Kind;
import dev.dray.machine.vmm.MachineMemory;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.memory.PageSize;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GuestProgramTest {
    private static final long BYTES = 4 << 20;
    private static final long PAGES = BYTES / PageSize.BYTES - GuestProgram.FIRST_PAGE;
    private static final long VICTIM = 0x234;

    private final MachineMemory memory =
            MachineMemory.create(List.of(new MemoryBlock.Layout("ram", BYTES, BYTES, false, List.of())));
    private final SerialPort serial = new SerialPort(Optional.empty());
    private final GuestProgram program = new GuestProgram(memory, serial);

    @AfterEach
    void close() {
        memory.close();
    }

    @ParameterizedTest
    @EnumSource
    void findsNothingWrongByItself(Workload workload) {
        for (Fill fill : Fill.values()) {
            program.start(new ProgramSettings(workload, fill, 0));
            passes(workload, 3);
            serial.type("v");
            passes(workload, 1);
            assertThat(serial.report().errors()).isEmpty();
            assertThat(serial.report().verified()).isNotEmpty();
            reset();
        }
    }

    @ParameterizedTest
    @EnumSource
    void findsEachKindOfWrongPage(Kind kind) {
        program.start(new ProgramSettings(Workload.SWEEP, kind == Kind.NOT_ZERO ? Fill.MOSTLY_ZERO : Fill.HALF, 0));
        passes(Workload.SWEEP, 2);
        MemorySegment earlier = MemorySegment.ofArray(page(VICTIM).toArray(JAVA_BYTE));
        passes(Workload.SWEEP, 2);
        switch (kind) {
            case ZEROED -> page(VICTIM).fill((byte) 0);
            case STALE -> page(VICTIM).copyFrom(earlier);
            case MOVED -> page(VICTIM).copyFrom(page(VICTIM + 1));
            case TORN -> page(VICTIM).asSlice(0, 3000).copyFrom(earlier.asSlice(0, 3000));
            case BODY -> page(VICTIM).set(JAVA_BYTE, 999, (byte) (page(VICTIM).get(JAVA_BYTE, 999) ^ 1));
            case NOT_ZERO -> zeroPage().set(JAVA_BYTE, 17, (byte) 1);
            case REGISTER -> {
                GuestProgram.Registers now = program.registers();
                program.resume(new GuestProgram.Registers(now.pass(), now.position() + 1, now.steps() + 1));
            }
        }
        passes(Workload.SWEEP, 1);
        assertThat(serial.report().errors()).extracting(PageError::kind).containsExactly(kind);
        long pass = serial.report().lastPass();
        passes(Workload.SWEEP, 1);
        assertThat(serial.report().lastPass()).isEqualTo(pass);
    }

    @Test
    void findsAControlPageThatWasLost() {
        program.start(ProgramSettings.standard());
        passes(Workload.SWEEP, 1);
        page(PageSize.index(ControlPage.ADDRESS)).fill((byte) 0);
        program.resume(program.registers());
        assertThat(serial.report().errors()).hasSize(1);
        assertThat(program.step(() -> false)).isFalse();
    }

    @Test
    void findsAWrongPageThatItDoesNotVisit() {
        program.start(new ProgramSettings(Workload.HOT, Fill.HALF, 0));
        program.resume(program.registers());
        page(PageSize.index(BYTES) - 1).set(JAVA_BYTE, 0, (byte) 1);
        for (int pass = 0; pass < 20; pass++) {
            passes(Workload.HOT, 1);
        }
        assertThat(serial.report().errors()).hasSize(1);
    }

    @Test
    void changesEveryTwentiethPageOnly() {
        program.start(new ProgramSettings(Workload.SCATTERED, Fill.HALF, 0));
        passes(Workload.SCATTERED, 1);
        memory.clearLog();
        passes(Workload.SCATTERED, 2);
        assertThat(memory.block(0).written().count()).isEqualTo((PAGES + 19) / 20 + 1); // and the control page
        serial.type("d");
        passes(Workload.SCATTERED, 1);
        memory.clearLog();
        passes(Workload.SCATTERED, 1);
        assertThat(memory.block(0).written().count()).isEqualTo(PAGES + 1);
        assertThat(serial.report().isClean()).isTrue();
    }

    @Test
    void goesOnInAnotherProcessor() {
        program.start(new ProgramSettings(Workload.RANDOM, Fill.HALF, 0));
        for (int step = 0; step < 1000; step++) {
            program.step(() -> false);
        }
        SerialPort other = new SerialPort(Optional.empty());
        GuestProgram resumed = new GuestProgram(memory, other);
        resumed.resume(program.registers());
        for (int step = 1000; step < 3 * PAGES; step++) {
            resumed.step(() -> false);
        }
        assertThat(other.report().isClean()).isTrue();
        assertThat(other.report().lastPass()).isEqualTo(3);
    }

    private void passes(Workload workload, int passes) {
        for (long step = 0; step < passes * workload.visited(PAGES); step++) {
            program.step(() -> false);
        }
    }

    private MemorySegment page(long number) {
        return memory.block(0).page(number);
    }

    private MemorySegment zeroPage() {
        long number = VICTIM;
        while (new PagePattern(Fill.MOSTLY_ZERO).kind(number) != PagePattern.PageKind.ZERO) {
            number++;
        }
        return page(number);
    }

    private void reset() {
        memory.block(0).memory().fill((byte) 0);
    }
}
