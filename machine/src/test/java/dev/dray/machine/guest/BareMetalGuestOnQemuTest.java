package dev.dray.machine.guest;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.guest.PageError.Kind;
import dev.dray.memory.PageSize;
import dev.dray.testbed.RealQemu;
import dev.dray.testbed.RealQemu.Version;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
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

    static List<Version> qemus() {
        return Version.present();
    }

    /// A machine whose memory is a file, so that the test can look and change.
    private static RealQemu start(Version qemu, byte[] image) throws IOException {
        Path directory = Files.createTempDirectory("dray-guest-");
        Path floppy = Files.write(directory.resolve("guest.img"), image);
        try {
            List<String> arguments = List.of(
                    "-machine", qemu.pcMachineType() + ",memory-backend=ram0",
                    "-m", (MEMORY >> 20) + "M",
                    "-object",
                            "memory-backend-file,id=ram0,share=on,size=" + MEMORY + ",mem-path="
                                    + directory.resolve("ram"),
                    "-drive", "if=floppy,format=raw,readonly=on,file=" + floppy);
            RealQemu vm = RealQemu.start(qemu, arguments);
            Files.move(directory.resolve("ram"), vm.directory().resolve("ram"));
            return vm;
        } finally {
            Files.delete(floppy);
            Files.delete(directory);
        }
    }

    private static MemorySegment memory(RealQemu vm, Arena arena) throws IOException {
        Path ram = vm.directory().resolve("ram");
        try (FileChannel file = FileChannel.open(ram, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return file.map(FileChannel.MapMode.READ_WRITE, 0, file.size(), arena);
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void itsMemoryIsWhatThePatternSays(Version qemu) throws Exception {
        for (Fill fill : Fill.values()) {
            byte[] image = BareMetalGuest.image(Parameters.ofMemory(MEMORY).with(fill));
            try (RealQemu vm = start(qemu, image);
                    Arena arena = Arena.ofConfined()) {
                assertThat(passes(vm, 5).isClean()).isTrue();
                vm.qmp().execute("stop");
                long pass = GuestReport.read(vm.serialLog()).lastPass();
                assertThat(pagesOf(fill, memory(vm, arena), (int) pass)).isPositive();
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
        assertThat(found(Version.V7, kind)).isEqualTo(kind);
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void findsAStalePage(Version qemu) throws Exception {
        assertThat(found(qemu, Kind.STALE)).isEqualTo(Kind.STALE);
    }

    private Kind found(Version qemu, Kind kind) throws Exception {
        Fill fill = kind == Kind.NOT_ZERO ? Fill.MOSTLY_ZERO : Fill.INCOMPRESSIBLE;
        byte[] image = BareMetalGuest.image(Parameters.ofMemory(MEMORY).with(fill));
        try (RealQemu vm = start(qemu, image);
                Arena arena = Arena.ofConfined()) {
            assertThat(passes(vm, 3).isClean()).isTrue();
            vm.qmp().execute("stop");
            byte[] earlier = page(memory(vm, arena), VICTIM).toArray(JAVA_BYTE);
            vm.qmp().execute("cont");
            passes(vm, 5 + GuestReport.read(vm.serialLog()).lastPass());
            vm.qmp().execute("stop");
            spoil(memory(vm, arena), kind, MemorySegment.ofArray(earlier));
            vm.qmp().execute("cont");
            GuestReport report = GuestReport.await(vm.serialLog(), r -> !r.isClean(), PATIENCE);
            assertThat(report.errors()).hasSize(1);
            long stopped = report.lastPass();
            Thread.sleep(200);
            assertThat(GuestReport.read(vm.serialLog()).lastPass()).isEqualTo(stopped);
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
    void changesEveryTwentiethPageOnCommand(Version qemu) throws Exception {
        byte[] image = BareMetalGuest.image(Parameters.ofMemory(MEMORY).withScatteredFromPass(4));
        try (RealQemu vm = start(qemu, image);
                Arena arena = Arena.ofConfined()) {
            assertThat(changedPages(vm, arena)).isEqualTo((1792 + 19) / 20);
            vm.sendSerial(String.valueOf(BareMetalGuest.LOOK));
            assertThat(changedPages(vm, arena)).isZero();
            vm.sendSerial(String.valueOf(BareMetalGuest.DENSE));
            assertThat(changedPages(vm, arena)).isEqualTo(1792);
            assertThat(GuestReport.read(vm.serialLog()).isClean()).isTrue();
        }
    }

    /// How many of the guest's pages change in a few passes, from the sixth on.
    private static long changedPages(RealQemu vm, Arena arena) throws Exception {
        GuestReport.await(vm.serialLog(), r -> r.lastPass() >= 6, PATIENCE);
        more(vm, 10); // a command takes its way through QEMU, where the guest does not wait for it
        vm.qmp().execute("stop");
        MemorySegment memory = memory(vm, arena);
        MemorySegment before = arena.allocate(MEMORY).copyFrom(memory);
        vm.qmp().execute("cont");
        more(vm, 3);
        vm.qmp().execute("stop");
        long changed = Stream.iterate(256L, n -> n < PageSize.pages(MEMORY), n -> n + 1)
                .filter(n -> page(memory, n).mismatch(page(before, n)) >= 0)
                .count();
        vm.qmp().execute("cont");
        return changed;
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void verifiesPagesThatItDoesNotVisit(Version qemu) throws Exception {
        byte[] image = BareMetalGuest.image(
                Parameters.ofMemory(MEMORY).withHotBytes(1 << 20).withColdPages(0));
        try (RealQemu vm = start(qemu, image);
                Arena arena = Arena.ofConfined()) {
            passes(vm, 3);
            vm.sendSerial(String.valueOf(BareMetalGuest.VERIFY));
            GuestReport report =
                    GuestReport.await(vm.serialLog(), r -> !r.verified().isEmpty(), PATIENCE);
            assertThat(report.verified()).hasSize(1);
            vm.qmp().execute("stop");
            page(memory(vm, arena), 0x7ff).set(JAVA_BYTE, 1, (byte) 99);
            vm.qmp().execute("cont");
            assertThat(more(vm, 20).isClean()).isTrue();
            vm.sendSerial(String.valueOf(BareMetalGuest.VERIFY));
            report = GuestReport.await(vm.serialLog(), r -> !r.isClean(), PATIENCE);
            assertThat(report.errors().getFirst().address()).isEqualTo(0x7ff000);
        }
    }

    @ParameterizedTest
    @MethodSource("qemus")
    void changesPagesAtTheRateItWasTold(Version qemu) throws Exception {
        byte[] image = BareMetalGuest.image(Parameters.ofMemory(MEMORY).withDirtyRate(7 << 20));
        try (RealQemu vm = start(qemu, image)) {
            passes(vm, 1);
            long start = System.nanoTime();
            more(vm, 4);
            double seconds = (System.nanoTime() - start) / 1e9;
            // A pass changes 7 MiB. On a busy machine the guest is late, but never early.
            assertThat(seconds).isBetween(2.9, 60.0);
        }
    }

    private static MemorySegment page(MemorySegment memory, long number) {
        return memory.asSlice(PageSize.offset(number), PageSize.BYTES);
    }

    private static GuestReport more(RealQemu vm, long passes) throws Exception {
        return passes(vm, GuestReport.read(vm.serialLog()).passes() + passes);
    }

    private static GuestReport passes(RealQemu vm, long passes) throws Exception {
        return GuestReport.awaitPasses(vm.serialLog(), passes, PATIENCE);
    }
}
