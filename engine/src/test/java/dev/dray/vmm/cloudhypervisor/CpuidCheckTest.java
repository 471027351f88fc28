package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.RefusedException;
import dev.dray.vmm.HostFacts;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CpuidCheckTest {
    private static final JsonNode RECORDED =
            JsonMapper.shared().readTree(ConfigEditTest.recorded()).path("common_cpuid");

    private static JsonNode host(String flags) {
        return JsonMapper.shared()
                .createObjectNode()
                .put(HostFacts.ARCHITECTURE, "amd64")
                .put(HostFacts.FLAGS, flags);
    }

    private static JsonNode leaf(String function, int index, String register, long value) {
        var leaves = JsonMapper.shared().createArrayNode();
        leaves.addObject()
                .put("function", Long.decode(function))
                .put("index", index)
                .put(register, value);
        return leaves;
    }

    @Test
    void namesEachFeatureThatTheHostLacks() {
        JsonNode host = host("fpu sse sse2 avx2");
        assertThat(CpuidCheck.lacking(leaf("1", 0, "edx", 1 | 1 << 25 | 1 << 26 | 1 << 11), host))
                .containsExactly("sep");
        assertThat(CpuidCheck.lacking(leaf("7", 0, "ebx", 1L << 31 | 1 << 16 | 1 << 5), host))
                .containsExactly("avx512f", "avx512vl");
        assertThat(CpuidCheck.lacking(leaf("7", 1, "eax", 1 << 4), host)).containsExactly("avx_vnni");
        assertThat(CpuidCheck.lacking(leaf("0x80000001", 0, "edx", 1 << 26 | 1 << 29), host))
                .containsExactly("pdpe1gb", "lm");
        assertThatThrownBy(() -> CpuidCheck.check(leaf("7", 0, "ebx", 1 << 16), nothing(), host, false))
                .isInstanceOf(RefusedException.class)
                .hasMessage("This host's processor lacks what the guest was given: avx512f");
        assertThatCode(() -> CpuidCheck.check(leaf("7", 0, "ebx", 1 << 16), nothing(), host, true))
                .doesNotThrowAnyException();
    }

    @Test
    void whatKvmGivesWhateverTheProcessorIsNotCompared() {
        long hypervisorX2apicDeadline = 1L << 31 | 1 << 21 | 1 << 24 | 1 << 27;
        assertThat(CpuidCheck.lacking(leaf("1", 0, "ecx", hypervisorX2apicDeadline), host("fpu")))
                .isEmpty();
        assertThat(CpuidCheck.lacking(leaf("7", 0, "ebx", 1 << 1), host("fpu"))).isEmpty();
    }

    @Test
    void aRecordedProcessorIsReadAndADifferentOneToldFromIt() {
        assertThat(CpuidCheck.lacking(RECORDED, host("fpu"))).contains("sse2", "avx2", "lm", "syscall");
        String all = String.join(" ", CpuidCheck.lacking(RECORDED, host("fpu"))) + " fpu";
        assertThat(CpuidCheck.lacking(RECORDED, host(all))).isEmpty();
        assertThat(CpuidCheck.lacking(RECORDED, host(all.replace(" avx2 ", " "))))
                .containsExactly("avx2");
    }

    @Test
    void nothingIsSaidWhereTheHostCannotBeRead() {
        assertThat(CpuidCheck.lacking(RECORDED, host(""))).isEmpty();
        var arm = JsonMapper.shared().createObjectNode();
        arm.put(HostFacts.ARCHITECTURE, "aarch64").put(HostFacts.FLAGS, "fp asimd");
        assertThat(CpuidCheck.lacking(RECORDED, arm)).isEmpty();
    }

    @Test
    void thisHostHasWhatItSaysItHas() {
        JsonNode host = HostFacts.read();
        assertThat(host.path("kernel").asString("")).isNotEmpty();
        assertThat(CpuidCheck.lacking(leaf("1", 0, "edx", 1 << 26), host)).isEmpty();
    }

    /// As Linux does with `hle` of processors on which it leaks.
    @Test
    void whatLinuxHidesOnTheHostOfTheCaptureTooIsNotMissed() {
        JsonNode host = host("fpu");
        assertThatCode(() -> CpuidCheck.check(leaf("7", 0, "ebx", 1 << 4), host, host, false))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> CpuidCheck.check(leaf("7", 0, "ebx", 1 << 4), host("fpu hle"), host, false))
                .hasMessageContaining("hle");
    }

    private static JsonNode nothing() {
        return JsonMapper.shared().createObjectNode();
    }
}
