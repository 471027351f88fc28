package dev.dray.vmm.cloudhypervisor.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.PeerException;
import dev.dray.memory.GpaRange;
import dev.dray.testbed.ChTrace;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Config and State documents of the real Cloud Hypervisor, and such as nobody should accept.
class DocumentsTest {
    private static final String TWO_ZONES = """
            {"vm_config":{"memory":{"size":0,"shared":false,"hugepages":false,"zones":[
              {"id":"a","size":1073741824,"shared":true},
              {"id":"b","size":1073741824,"hugepages":true,"hugepage_size":1073741824},
              {"id":"c","size":2097152,"hugepages":true}]}},
             "memory_manager_data":{"guest_ram_mappings":[
              {"slot":2,"gpa":4294967296,"size":1073741824,"zone_id":"b","virtio_mem":false,"file_offset":0},
              {"slot":7,"gpa":8589934592,"size":2097152,"zone_id":"c","virtio_mem":true,"file_offset":4096},
              {"slot":0,"gpa":0,"size":1073741824,"zone_id":"a","virtio_mem":false,"file_offset":0}],
              "arch_mem_regions":[{"base":4294967296,"size":18446744073709551615,"r_type":"Ram"}]},
             "memory_mode":"MemFDs"}
            """;

    static Stream<ChTrace> traces() {
        return ChTrace.all();
    }

    @ParameterizedTest
    @MethodSource("traces")
    void readsWhatTheRealVmmSays(ChTrace trace) throws Exception {
        MigrationConfig config = MigrationConfig.parse(trace.config());
        long bytes = trace.name().startsWith("mid") ? 512L << 20 : 64L << 20;
        assertThat(config.slots()).containsExactly(new RamSlot(0, 0, bytes, "mem0", false, 0));
        assertThat(config.memory().regions().getFirst().name()).isEqualTo("mem0@0x0");
        assertThat(config.pageBytes(config.slots().getFirst())).isEqualTo(4096);
        assertThat(config.memoryMode()).isEmpty();
        assertThat(config.vmConfig().path("cpus").path("boot_vcpus").asInt()).isPositive();
        assertThat(config.commonCpuid().size()).isGreaterThan(10);
        assertThat(config.sharedMemory()).isEqualTo(!trace.name().endsWith("private"));
        assertThat(StateDocument.memoryRanges(trace.state())).containsExactly(new MemoryRange(0, bytes));
    }

    @Test
    void sortsSlotsByAddressAndTakesPageSizesFromZones() throws Exception {
        MigrationConfig config = parse(TWO_ZONES);
        assertThat(config.slots()).extracting(RamSlot::slot).containsExactly(0, 2, 7);
        assertThat(config.slots()).extracting(config::pageBytes).containsExactly(4096L, 1L << 30, 2L << 20);
        assertThat(config.slots().getLast().virtioMem()).isTrue();
        assertThat(config.memory().regions())
                .extracting(region -> region.name() + " " + region.pageBytes())
                .containsExactly("a@0x0 4096", "b@0x100000000 1073741824", "c@0x200000000 2097152");
        assertThat(config.memory().regions().get(1).gpas()).containsExactly(new GpaRange(1L << 32, 0, 1L << 30));
        assertThat(config.sharedMemory()).isTrue();
        assertThat(config.memoryMode()).hasValue("MemFDs");
    }

    @Test
    void oneZoneThatIsNotSharedKeepsAllFromBeingHandedOver() throws Exception {
        assertThat(parse(TWO_ZONES.replace("\"hugepages\":true,\"hugepage", "\"hugepages\":false,\"hugepage"))
                        .sharedMemory())
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{",
                "{} {}",
                "{}",
                "{\"memory_manager_data\":{\"guest_ram_mappings\":[]}}",
            })
    void refusesADocumentWithoutMemory(String text) {
        assertThatThrownBy(() -> parse(text)).isInstanceOf(PeerException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"gpa\":4294967296,|\"gpa\":4294967297,", // not a page's address
                "\"gpa\":4294967296,|\"gpa\":4096,", // in another one's place
                "\"gpa\":4294967296,|\"gpa\":-4096,",
                "\"gpa\":4294967296,|\"gpa\":9223372036854771712,", // ends beyond the address space
                "\"gpa\":4294967296,|\"gpa\":18446744073709551615,",
                "\"gpa\":4294967296,|\"gpa\":4294967296.5,",
                "\"slot\":2|\"slot\":0", // twice
                "\"slot\":2|\"slot\":4294967296",
                "\"slot\":2|\"slot\":\"2\"",
                "\"size\":1073741824,\"zone_id\":\"b\"|\"size\":0,\"zone_id\":\"b\"",
                "\"size\":1073741824,\"zone_id\":\"b\"|\"size\":140737488355328,\"zone_id\":\"b\"",
                "\"zone_id\":\"b\"|\"zone_id\":\"\"",
                "\"zone_id\":\"b\"|\"zone_id\":7",
                "\"file_offset\":4096|\"file_offset\":1",
                "\"file_offset\":4096|\"file_offset\":9223372036854771712",
            })
    void refusesAPieceOfMemoryThatCannotBe(String edit) {
        String[] change = edit.split("\\|", -1);
        String text = TWO_ZONES.replace(change[0], change[1]);
        assertThat(text).isNotEqualTo(TWO_ZONES);
        assertThatThrownBy(() -> parse(text)).isInstanceOf(PeerException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"snapshots\":{\"memory-manager\":{\"snapshot_data\":{\"state\":{}}}}}",
                "{\"snapshots\":{\"memory-manager\":{\"snapshot_data\":{\"state\":\"{\"}}}}",
                "{\"snapshots\":{\"memory-manager\":{\"snapshot_data\":{\"state\":\"{}\"}}}}",
                "{\"snapshots\":{\"memory-manager\":{\"snapshot_data\":"
                        + "{\"state\":\"{\\\"memory_ranges\\\":{\\\"data\\\":[{\\\"gpa\\\":0}]}}\"}}}}",
            })
    void refusesAStateWithoutRanges(String text) {
        assertThatThrownBy(() -> StateDocument.memoryRanges(text.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(PeerException.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'memory_manager_data':{|The VM's configuration is no JSON: it breaks off after 24 bytes",
                "{'memory_manager_data':}|The VM's configuration is no JSON: it goes wrong after 23 bytes",
            })
    void saysInItsOwnWordsWhereADocumentStopsBeingJson(String text, String message) {
        assertThatThrownBy(() -> parse(text.replace('\'', '"'))).hasMessage(message);
        byte[] document = text.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> JsonPlace.of(document, "", "The VM's configuration"))
                .hasMessage(message);
    }

    @Test
    void refusesMoreMemoryThanAnAddressReaches() {
        StringBuilder mappings = new StringBuilder();
        for (int i = 0; i < 2; i++) {
            mappings.append(i == 0 ? "" : ",")
                    .append("{\"slot\":" + i + ",\"gpa\":" + ((long) i << 46)
                            + ",\"size\":70368744177664,\"zone_id\":\"m\",\"virtio_mem\":false,\"file_offset\":0}");
        }
        assertThatThrownBy(() -> parse("{\"memory_manager_data\":{\"guest_ram_mappings\":[" + mappings + "]}}"))
                .isInstanceOf(PeerException.class)
                .hasMessageContaining("140737488355328 bytes of memory");
    }

    @Test
    void findsRangesBetweenWhateverElseThereIs() throws Exception {
        String inner = "{\\\"x\\\":[{\\\"data\\\":1}],\\u0022memory_ranges\\\":{\\\"y\\\":{\\\"data\\\":[]},\\n"
                + "\\\"data\\\":[{\\\"z\\\":\\\"\\ud83d\\ude00\\u00e9\\\",\\\"length\\\":8192,\\\"gpa\\\":4096}]}}";
        String text =
                "{\"snapshot_data\":null,\"snapshots\":{\"a\":{},\"memory-manager\":{\"snapshot_data\":{\"state\":\""
                        + inner + "\"}}}}";
        assertThat(StateDocument.memoryRanges(text.getBytes(StandardCharsets.UTF_8)))
                .containsExactly(new MemoryRange(4096, 8192));
    }

    /// A State of the size that is accepted, of 20 million objects, or of as many ranges as fit.
    @ParameterizedTest
    @ValueSource(strings = {"objects", "names", "ranges"})
    void aLongStateTakesNoMoreMemoryThanThereIs(String kind) {
        byte[] document = longState(kind);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        long count = -1;
        try {
            count = StateDocument.memoryRanges(document).size();
        } catch (PeerException e) {
            assertThat(kind).isNotEqualTo("ranges");
        }
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(allocated).as("bytes allocated").isLessThan(128 << 20);
        if (kind.equals("ranges")) {
            assertThat(count).isGreaterThan(500_000);
        }
    }

    private static byte[] longState(String kind) {
        var text = new StringBuilder(WireLimits.STATE_BYTES_MAX);
        int bytes = WireLimits.STATE_BYTES_MAX - 100;
        switch (kind) {
            case "objects" -> {
                text.append("{\"a\":[{}");
                while (text.length() < bytes) {
                    text.append(",{}");
                }
                text.append("]}");
            }
            case "names" -> {
                text.append("{\"a\":0");
                for (int i = 0; text.length() < bytes; i++) {
                    text.append(",\"").append(Integer.toString(i, 36)).append("\":0");
                }
                text.append("}");
            }
            default -> {
                text.append("{\"snapshots\":{\"memory-manager\":{\"snapshot_data\":{\"state\":\""
                        + "{\\\"memory_ranges\\\":{\\\"data\\\":[{\\\"gpa\\\":0,\\\"length\\\":4096}");
                for (long gpa = 8192; text.length() < bytes; gpa += 8192) {
                    text.append(",{\\\"gpa\\\":").append(gpa).append(",\\\"length\\\":4096}");
                }
                text.append("]}}\"}}}}");
            }
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void aLongConfigTakesNoMoreMemoryThanThereIs() {
        byte[] document = ("{\"a\":[{}" + ",{}".repeat(WireLimits.CONFIG_BYTES_MAX / 3 - 10) + "]}")
                .getBytes(StandardCharsets.UTF_8);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        assertThatThrownBy(() -> MigrationConfig.parse(document)).isInstanceOf(PeerException.class);
        assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                .as("bytes allocated")
                .isLessThan(64 << 20);
    }

    @Test
    void aSlotHoldsARangeWhollyOrNot() {
        RamSlot slot = new RamSlot(0, 1L << 32, 1L << 30, "mem0", false, 0);
        assertThat(List.of(
                        slot.contains(1L << 32, 1L << 30),
                        slot.contains((1L << 32) + 4096, 0),
                        slot.contains((1L << 32) - 1, 1),
                        slot.contains(1L << 32, (1L << 30) + 1),
                        slot.contains((1L << 32) + (1L << 30) - 1, 2),
                        slot.contains(1L << 32, -1),
                        slot.contains(Long.MAX_VALUE, 4096)))
                .containsExactly(true, true, false, false, false, false, false);
    }

    private static MigrationConfig parse(String text) throws PeerException {
        return MigrationConfig.parse(text.getBytes(StandardCharsets.UTF_8));
    }
}
