package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.PageKind;
import dev.dray.memory.PageSize;
import dev.dray.page.PageReader;
import dev.dray.state.MachineState;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A snapshot of a small guest: two slots, every third page of zeros, every seventh absent, the rest full of numbers
/// that depend on the address and the seed. Pages can be made unreadable.
final class SampleImage implements RestoreImage {
    static final long LOW_BYTES = 1 << 20;

    /// Right behind the lower slot: a range must not go on from one into the other.
    static final long HIGH_GPA = LOW_BYTES;

    static final long HIGH_BYTES = 512 << 10;

    private final long seed;
    private final String config;
    private final MigrationConfig parsed;

    /// Pages that cannot be read, `region << 32 | page`.
    final Set<Long> broken = ConcurrentHashMap.newKeySet();

    /// Pages for which there is not enough memory, in the same way.
    final Set<Long> exhausting = ConcurrentHashMap.newKeySet();

    final AtomicInteger reads = new AtomicInteger();

    private SampleImage(long seed, String config) throws PeerException {
        this.seed = seed;
        this.config = config;
        this.parsed = MigrationConfig.parse(config.getBytes(StandardCharsets.UTF_8));
    }

    static SampleImage shared(long seed) throws PeerException {
        return new SampleImage(seed, config(true, false));
    }

    static SampleImage privately(long seed) throws PeerException {
        return new SampleImage(seed, config(false, false));
    }

    /// The upper slot is one of virtio-mem.
    static SampleImage withVirtioMem(long seed) throws PeerException {
        return new SampleImage(seed, config(true, true));
    }

    /// Its guest may give pages back.
    static SampleImage withBalloon(long seed) throws PeerException {
        return new SampleImage(
                seed, config(true, false).replace("{\"memory\"", "{\"balloon\":{\"size\":0},\"memory\""));
    }

    /// Its VMM maps a file of the user's behind it.
    static SampleImage inFile(long seed) throws PeerException {
        String zones = "\"size\":0,\"zones\":[{\"id\":\"mem0\",\"size\":1572864,\"file\":\"/m\"}]";
        return new SampleImage(seed, config(false, false).replace("\"size\":1572864,\"shared\":false", zones));
    }

    /// Its VMM is to populate its memory before it runs.
    static SampleImage prefaulting(long seed) throws PeerException {
        return new SampleImage(seed, config(true, false).replace("{\"size\"", "{\"prefault\":true,\"size\""));
    }

    private static String config(boolean shared, boolean virtioMem) {
        return """
                {"vm_config":{"memory":{"size":1572864,"shared":%b}},"common_cpuid":[],
                 "memory_manager_data":{"guest_ram_mappings":[
                 {"slot":7,"gpa":%d,"size":%d,"zone_id":"mem0","virtio_mem":%b,"file_offset":8192},
                 {"slot":3,"gpa":0,"size":%d,"zone_id":"mem0","virtio_mem":false,"file_offset":0}],
                 "arch_mem_regions":[{"base":0,"size":18446744073709551615}]}}""".formatted(shared, HIGH_GPA, HIGH_BYTES, virtioMem, LOW_BYTES);
    }

    @Override
    public GuestMemoryMap memory() {
        return parsed.memory();
    }

    @Override
    public MachineState state() {
        var parts = new TreeMap<String, byte[]>();
        parts.put("config", config.getBytes(StandardCharsets.UTF_8));
        parts.put("state", "{\"snapshots\":{}}".getBytes(StandardCharsets.UTF_8));
        return new MachineState("cloud-hypervisor", parts);
    }

    @Override
    public JsonNode facts() {
        return JsonMapper.shared().createObjectNode().put("was_running", true);
    }

    /// The same memory with another state.
    RestoreImage withState(MachineState other) {
        SampleImage self = this;
        return new RestoreImage() {
            @Override
            public GuestMemoryMap memory() {
                return self.memory();
            }

            @Override
            public MachineState state() {
                return other;
            }

            @Override
            public JsonNode facts() {
                return self.facts();
            }

            @Override
            public PageReader pageReader() {
                return self.pageReader();
            }
        };
    }

    byte[] config() {
        return config.getBytes(StandardCharsets.UTF_8);
    }

    PageKind kind(long page) {
        return page % 3 == 0 ? PageKind.ZERO : page % 7 == 0 ? PageKind.ABSENT : PageKind.CONTENT;
    }

    /// What the guest has to find in a page.
    byte[] page(int region, long page) {
        byte[] bytes = new byte[PageSize.BYTES];
        if (kind(page) == PageKind.CONTENT) {
            MemorySegment words = MemorySegment.ofArray(bytes);
            for (int i = 0; i < PageSize.BYTES; i += Long.BYTES) {
                long word = (seed + region * 1_000_003L + page * 4099 + i + 1) * 0x9E3779B97F4A7C15L;
                words.set(ValueLayout.JAVA_LONG_UNALIGNED, i, word);
            }
        }
        return bytes;
    }

    @Override
    public PageReader pageReader() {
        return new PageReader() {
            @Override
            public void read(int region, long first, int count, long address, long strideBytes, byte[] kinds)
                    throws DrayException {
                reads.incrementAndGet();
                for (int i = 0; i < count; i++) {
                    if (broken.contains((long) region << 32 | (first + i))) {
                        throw new CorruptException("Page " + (first + i) + " is not authentic", "mend it");
                    }
                    if (exhausting.contains((long) region << 32 | (first + i))) {
                        throw new OutOfMemoryError("as the test wants it");
                    }
                    kinds[i] = (byte) kind(first + i).ordinal();
                    fill(address + i * strideBytes, page(region, first + i), kinds[i]);
                }
            }

            @Override
            public void close() {}
        };
    }

    @SuppressWarnings("restricted") // SAFETY: the caller of a reader gives it that much memory
    private static void fill(long address, byte[] bytes, byte kind) {
        MemorySegment to = MemorySegment.ofAddress(address).reinterpret(bytes.length);
        if (kind != PageKind.CONTENT.ordinal()) {
            Arrays.fill(bytes, (byte) 0x55); // rubbish, which nobody may use
        }
        MemorySegment.copy(bytes, 0, to, ValueLayout.JAVA_BYTE, 0, bytes.length);
    }
}
