package dev.dray.machine.guest;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.guest.PageError.Kind;
import dev.dray.memory.PageSize;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The bare-metal guest on each real QEMU: does it go on, is its memory what [PagePattern] says, and does it
/// find every kind of wrong page.
@Tag("vmm")
class BareMetalGuestOnQemuTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long MEMORY = 8 << 20;
    private static final long VICTIM = 0x345;

    @TempDir
    Path directory;

    static Stream<Path> qemus() {
        return QemuVm.binaries();
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void itsMemoryIsWhatThePatternSays(Path qemu) throws Exception {
        for (Fill fill : Fill.values()) {
            Path place = directory.resolve(fill.name());
            byte[] image = BareMetalGuest.image(Parameters.ofMemory(MEMORY).with(fill));
            try (QemuVm vm = QemuVm.start(qemu, place, MEMORY, image);
                    Arena arena = Arena.ofConfined()) {
                assertThat(passes(vm, 5).isClean()).isTrue();
                vm.stop();
                long pass = GuestReport.read(vm.serial()).lastPass();
                assertThat(pagesOf(fill, vm.memory(arena), (int) pass)).isPositive();
            }
        }
    }

    /// Checks all pages from outside: first come those that the pass under way has changed, then the others;
    /// the guest may stand still in the middle of one. Returns how many were looked at.
    private static int pagesOf(Fill fill, MemorySegment memory, int pass) {
        PagePattern pattern = new PagePattern(fill);
        int counter = pass + 1;
        int looked = 0;
        for (long number = 256; number < PageSize.pages(MEMORY); number++) {
            MemorySegment page = memory.asSlice(PageSize.offset(number), PageSize.BYTES);
            if (counter == pass + 1 && pattern.check(page, number, counter).isPresent()) {
                counter = pass;
                if (pattern.check(page, number, pass).map(PageError::kind).orElse(Kind.TORN) == Kind.TORN) {
                    continue;
                }
            }
            assertThat(pattern.check(page, number, counter)).isEmpty();
            looked++;
        }
        return looked;
    }

    @ParameterizedTest
    @EnumSource
    void findsEachKindOfWrongPage(Kind kind) throws Exception {
        Path qemu = qemus().findFirst().orElseThrow();
        assertThat(found(qemu, kind)).isEqualTo(kind);
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void findsAStalePage(Path qemu) throws Exception {
        assertThat(found(qemu, Kind.STALE)).isEqualTo(Kind.STALE);
    }

    private Kind found(Path qemu, Kind kind) throws Exception {
        Fill fill = kind == Kind.NOT_ZERO ? Fill.MOSTLY_ZERO : Fill.INCOMPRESSIBLE;
        byte[] image = BareMetalGuest.image(Parameters.ofMemory(MEMORY).with(fill));
        try (QemuVm vm = QemuVm.start(qemu, directory.resolve("vm"), MEMORY, image);
                Arena arena = Arena.ofConfined()) {
            assertThat(passes(vm, 3).isClean()).isTrue();
            vm.stop();
            byte[] earlier = page(vm.memory(arena), VICTIM).toArray(JAVA_BYTE);
            vm.resume();
            passes(vm, 5 + GuestReport.read(vm.serial()).lastPass());
            vm.stop();
            spoil(vm.memory(arena), kind, MemorySegment.ofArray(earlier));
            vm.resume();
            GuestReport report = GuestReport.await(vm.serial(), r -> !r.isClean(), PATIENCE);
            assertThat(report.errors()).hasSize(1);
            long stopped = report.lastPass();
            Thread.sleep(200);
            assertThat(GuestReport.read(vm.serial()).lastPass()).isEqualTo(stopped);
            return report.errors().getFirst().kind();
        }
    }

    private static void spoil(MemorySegment memory, Kind kind, MemorySegment earlier) {
        MemorySegment victim = page(memory, VICTIM);
        switch (kind) {
            case ZEROED -> victim.fill((byte) 0);
            case STALE -> victim.copyFrom(earlier);
            case MOVED -> victim.copyFrom(page(memory, VICTIM + 1));
            case TORN -> victim.asSlice(0, 1500).copyFrom(earlier.asSlice(0, 1500));
            case BODY -> victim.set(JAVA_BYTE, 2222, (byte) (victim.get(JAVA_BYTE, 2222) ^ 4));
            case NOT_ZERO -> zeroPage(memory).set(JAVA_BYTE, 4095, (byte) 1);
            // Where the guest keeps the pass that it also has in a register.
            case REGISTER -> memory.set(JAVA_BYTE, 0x5000, (byte) (memory.get(JAVA_BYTE, 0x5000) - 1));
        }
    }

    private static MemorySegment zeroPage(MemorySegment memory) {
        long number = VICTIM;
        while (new PagePattern(Fill.MOSTLY_ZERO).kind(number) != PagePattern.PageKind.ZERO) {
            number++;
        }
        return page(memory, number);
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void changesEveryTwentiethPageOnCommand(Path qemu) throws Exception {
        byte[] image = BareMetalGuest.image(Parameters.ofMemory(MEMORY).withScatteredFromPass(4));
        try (QemuVm vm = QemuVm.start(qemu, directory.resolve("vm"), MEMORY, image);
                Arena arena = Arena.ofConfined()) {
            assertThat(changedPages(vm, arena)).isEqualTo((1792 + 19) / 20);
            vm.command(BareMetalGuest.LOOK);
            assertThat(changedPages(vm, arena)).isZero();
            vm.command(BareMetalGuest.DENSE);
            assertThat(changedPages(vm, arena)).isEqualTo(1792);
            assertThat(GuestReport.read(vm.serial()).isClean()).isTrue();
        }
    }

    /// How many of the guest's pages change in a few passes, from the sixth on.
    private static long changedPages(QemuVm vm, Arena arena) throws Exception {
        GuestReport.await(vm.serial(), r -> r.lastPass() >= 6, PATIENCE);
        more(vm, 3);
        vm.stop();
        MemorySegment memory = vm.memory(arena);
        MemorySegment before = arena.allocate(MEMORY).copyFrom(memory);
        vm.resume();
        more(vm, 3);
        vm.stop();
        long changed = Stream.iterate(256L, n -> n < PageSize.pages(MEMORY), n -> n + 1)
                .filter(n -> page(memory, n).mismatch(page(before, n)) >= 0)
                .count();
        vm.resume();
        return changed;
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void verifiesPagesThatItDoesNotVisit(Path qemu) throws Exception {
        byte[] image = BareMetalGuest.image(
                Parameters.ofMemory(MEMORY).withHotBytes(1 << 20).withColdPages(0));
        try (QemuVm vm = QemuVm.start(qemu, directory.resolve("vm"), MEMORY, image);
                Arena arena = Arena.ofConfined()) {
            passes(vm, 3);
            vm.command(BareMetalGuest.VERIFY);
            GuestReport report =
                    GuestReport.await(vm.serial(), r -> !r.verified().isEmpty(), PATIENCE);
            assertThat(report.verified()).hasSize(1);
            vm.stop();
            page(vm.memory(arena), 0x7ff).set(JAVA_BYTE, 1, (byte) 99);
            vm.resume();
            assertThat(more(vm, 20).isClean()).isTrue();
            vm.command(BareMetalGuest.VERIFY);
            report = GuestReport.await(vm.serial(), r -> !r.isClean(), PATIENCE);
            assertThat(report.errors().getFirst().address()).isEqualTo(0x7ff000);
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void changesPagesAtTheRateItWasTold(Path qemu) throws Exception {
        byte[] image = BareMetalGuest.image(Parameters.ofMemory(MEMORY).withDirtyRate(7 << 20));
        try (QemuVm vm = QemuVm.start(qemu, directory.resolve("vm"), MEMORY, image)) {
            passes(vm, 1);
            long start = System.nanoTime();
            more(vm, 4);
            double seconds = (System.nanoTime() - start) / 1e9;
            // A pass changes 7 MiB. On a busy machine the guest is late, but never early.
            assertThat(seconds).isBetween(2.9, 20.0);
        }
    }

    private static MemorySegment page(MemorySegment memory, long number) {
        return memory.asSlice(PageSize.offset(number), PageSize.BYTES);
    }

    private static GuestReport more(QemuVm vm, long passes) throws Exception {
        return passes(vm, GuestReport.read(vm.serial()).passes() + passes);
    }

    private static GuestReport passes(QemuVm vm, long passes) throws Exception {
        return GuestReport.awaitPasses(vm.serial(), passes, PATIENCE);
    }
}
