package dev.dray.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.testbed.ChTrace;
import dev.dray.testbed.Gen;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.CapturedMachine;
import dev.dray.vmm.DiskCheck;
import dev.dray.vmm.DiskPledge;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Directories made of a recorded guest of 64 MiB.
class CloudHypervisorDirectoryTest {
    private static final ChTrace TRACE = ChTrace.of("small-snapshot-local");
    private static final byte[] CONFIG = TRACE.first("Config").payload();
    private static final byte[] STATE = TRACE.first("State").payload();
    private static final int PAGES = 64 << 8;

    private final Gen gen = Gen.create("CloudHypervisorDirectoryTest");

    @TempDir
    private Path directory = Path.of("");

    /// Pages with content, by number; the others are holes in the file.
    private final TreeMap<Integer, byte[]> contents = new TreeMap<>();

    private void memory(String name) throws IOException {
        for (int i = 0; i < 40; i++) {
            contents.put(gen.between(0, PAGES - 1), gen.bytes(4096));
        }
        contents.put(0, gen.bytes(4096));
        contents.put(PAGES - 1, gen.bytes(4096));
        for (int page = 100; page < 700; page++) {
            contents.put(page, gen.bytes(4096)); // more than one batch
        }
        try (var file =
                FileChannel.open(directory.resolve(name), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (var page : contents.entrySet()) {
                file.write(ByteBuffer.wrap(page.getValue()), page.getKey() * 4096L);
            }
        }
    }

    private void nativeForm(byte[] state) throws IOException {
        String config = new String(CONFIG, StandardCharsets.UTF_8);
        String vmConfig = config.substring("{\"vm_config\":".length(), config.indexOf(",\"common_cpuid\""));
        Files.writeString(directory.resolve("config.json"), vmConfig);
        Files.write(directory.resolve("state.json"), state);
        memory("memory-ranges");
    }

    private void offloadForm() throws IOException {
        Files.write(directory.resolve("migration_config.json"), CONFIG);
        Files.write(directory.resolve("state.json"), STATE);
        memory("memory-0");
    }

    private Kept copied() throws DrayException {
        try (var kept = new Kept()) {
            CloudHypervisorDirectory.open(directory).copy(kept, new Silent());
            return kept;
        }
    }

    @Test
    void readsWhatCloudHypervisorWrote() throws Exception {
        nativeForm(STATE);
        Kept kept = copied();
        assertMemory(kept);
        var config = MigrationConfig.parse(kept.part("config"));
        var recorded = MigrationConfig.parse(CONFIG);
        assertThat(config.slots()).isEqualTo(recorded.slots());
        assertThat((Object) config.vmConfig()).isEqualTo(recorded.vmConfig());
        assertThat((Object) config.commonCpuid()).isEqualTo(recorded.commonCpuid());
        assertThat(new String(kept.part("config"), StandardCharsets.UTF_8)).contains("18446744073709551615");
    }

    @Test
    void readsWhatTheOffloadDaemonWroteByteForByte() throws Exception {
        offloadForm();
        Kept kept = copied();
        assertMemory(kept);
        assertThat(kept.part("config")).isEqualTo(CONFIG);
    }

    /// The files of a directory that was copied are as old as the copy, and its guest's disks may have moved on before.
    @Test
    void whenItWasTakenIsNotKnown() throws Exception {
        nativeForm(STATE);
        Path disk = Files.createFile(directory.resolve("disk"));
        Files.setLastModifiedTime(disk, FileTime.fromMillis(0));
        Path config = directory.resolve("config.json");
        Files.writeString(
                config,
                Files.readString(config).replaceFirst("\\{", "{\"disks\":[{\"id\":\"d\",\"path\":\"" + disk + "\"}],"));
        Kept kept = copied();
        var waiting = CloudHypervisorDirectory.open(directory).disks();
        assertThat(waiting).hasSize(1);
        var committed = kept.committed();
        assertThatThrownBy(() -> DiskCheck.check(
                        committed.facts().path("disks"), waiting, new DiskPledge.Silent(), committed.taken()))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("does not tell when it was taken");
    }

    private void assertMemory(Kept kept) {
        assertThat(kept.part("state")).isEqualTo(STATE);
        assertThat(kept.committed().vmm()).isEqualTo("cloud-hypervisor");
        assertThat(kept.committed().facts().path("path").asString()).isEqualTo("import");
        assertThat(kept.pages.keySet()).as("%s", gen).isEqualTo(contents.keySet());
        kept.pages.forEach((page, bytes) -> assertThat(Arrays.equals(bytes, contents.get(page)))
                .as("%s page %d", gen, page)
                .isTrue());
        assertThat(kept.zeros + kept.pages.size()).isEqualTo(PAGES);
    }

    @Test
    void refusesADirectoryThatIsNone() {
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("it has neither config.json nor migration_config.json");
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory.resolve("x")))
                .isInstanceOf(UsageException.class);
    }

    @Test
    void findsDocumentsThatAreHalfWritten() throws Exception {
        nativeForm(STATE);
        for (String name : new String[] {"config.json", "state.json"}) {
            byte[] whole = Files.readAllBytes(directory.resolve(name));
            for (int bytes : new int[] {0, 1, whole.length / 2, whole.length - 1}) {
                Files.write(directory.resolve(name), Arrays.copyOf(whole, bytes));
                assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory))
                        .as(name + " cut to " + bytes)
                        .isInstanceOf(CorruptException.class)
                        .hasMessageContaining("is damaged or not complete");
            }
            Files.write(directory.resolve(name), whole);
        }
        Files.delete(directory.resolve("state.json"));
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory)).isInstanceOf(CorruptException.class);
    }

    @Test
    void findsMemoryThatIsNotWhatTheStateSays() throws Exception {
        nativeForm(STATE);
        Path memory = directory.resolve("memory-ranges");
        try (var file = FileChannel.open(memory, StandardOpenOption.WRITE)) {
            file.truncate((64 << 20) - 4096);
        }
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory))
                .isInstanceOf(CorruptException.class)
                .hasMessageContaining("it has 67104768 bytes, and the ranges in state.json have 67108864");
        Files.delete(memory);
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory)).hasMessageContaining("it is missing");
    }

    @Test
    void findsASlotThatIsMissingOrTooShort() throws Exception {
        offloadForm();
        try (var file = FileChannel.open(directory.resolve("memory-0"), StandardOpenOption.WRITE)) {
            file.truncate(4096);
        }
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory))
                .isInstanceOf(CorruptException.class)
                .hasMessageContaining("it has 4096 bytes, and its memory 67108864");
        Files.delete(directory.resolve("memory-0"));
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory)).hasMessageContaining("it is missing");
    }

    @Test
    void refusesMemoryThatLiesInAFileOfItsOwn() throws Exception {
        nativeForm(withRanges("[{\\\"gpa\\\":0,\\\"length\\\":33554432}]"));
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory))
                .isInstanceOf(RefusedException.class)
                .hasMessage("The memory mem0@0x0 is not in the snapshot but in a file of its own, which may have moved"
                        + " on since");
    }

    @Test
    void findsRangesThatAreNotTheGuests() throws Exception {
        nativeForm(withRanges("[{\\\"gpa\\\":4096,\\\"length\\\":67108864}]"));
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory))
                .isInstanceOf(CorruptException.class)
                .hasMessageContaining("is not the guest's memory");
        nativeForm(withRanges("[{\\\"gpa\\\":0,\\\"length\\\":67108863}]"));
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory)).hasMessageContaining("not made of pages");
    }

    /// Twice the first half would count as the whole.
    @Test
    void findsRangesThatOverlap() throws Exception {
        nativeForm(withRanges("[{\\\"gpa\\\":0,\\\"length\\\":33554432},{\\\"gpa\\\":0,\\\"length\\\":33554432}]"));
        assertThatThrownBy(() -> CloudHypervisorDirectory.open(directory))
                .isInstanceOf(CorruptException.class)
                .hasMessageContaining("two of its ranges have the memory at 0x0");
    }

    private static byte[] withRanges(String ranges) {
        String state = new String(STATE, StandardCharsets.UTF_8);
        String before = "[{\\\"gpa\\\":0,\\\"length\\\":67108864}]";
        assertThat(state).contains(before);
        return state.replace(before, ranges).getBytes(StandardCharsets.UTF_8);
    }

    /// Keeps what comes.
    private static final class Kept implements CaptureStore, PageDestination, AutoCloseable {
        final TreeMap<Integer, byte[]> pages = new TreeMap<>();
        long zeros;

        private final Arena arena = Arena.ofConfined();
        private final PageBatch batch = new PageBatch(arena.allocate((1 << 20) + 5000), 512);
        private @Nullable CapturedMachine machine;

        @Override
        public PageDestination pages(GuestMemoryMap map) {
            assertThat(map.regions()).hasSize(1);
            return this;
        }

        @Override
        public void commit(CapturedMachine captured) {
            machine = captured;
        }

        CapturedMachine committed() {
            return java.util.Objects.requireNonNull(machine);
        }

        byte[] part(String name) {
            return java.util.Objects.requireNonNull(committed().state().parts().get(name));
        }

        @Override
        public PageBatch take() {
            batch.clear();
            return batch;
        }

        @Override
        public void submit(PageBatch full) {
            for (int i = 0; i < full.count(); i++) {
                if (full.address(i) == PageBatch.ZERO) {
                    zeros++;
                } else {
                    byte[] bytes = full.slab()
                            .asSlice(full.address(i) - full.slab().address(), 4096)
                            .toArray(ValueLayout.JAVA_BYTE);
                    if (Arrays.equals(bytes, new byte[4096])) {
                        zeros++;
                    } else {
                        pages.put((int) full.page(i), bytes);
                    }
                }
            }
        }

        @Override
        public void giveBack(PageBatch unused) {}

        @Override
        public void drain() {}

        @Override
        public void close() {
            arena.close();
        }
    }

    private record Silent() implements OperationWatch {
        @Override
        public void phase(String name) {}

        @Override
        public void bytes(long done, long total) {}

        @Override
        public void warning(String text) {}

        @Override
        public void guestRuns() {}

        @Override
        public boolean cancelled() {
            return false;
        }
    }
}
