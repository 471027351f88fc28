package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.UsageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// `dray demo` where there is no QEMU: the whole of it, on the built-in machine.
@Timeout(600) // ten times what the demo may take, for a busy machine
class DemoTest {
    @Test
    void runsOnTheBuiltInMachineWhereThereIsNoQemu(@TempDir Path nothing) {
        CommandRun run = CommandRun.with(Map.of("PATH", nothing.toString(), "TMPDIR", nothing.toString()), "demo");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out())
                .contains("the built-in machine (there is no qemu-system-x86_64 on the PATH)")
                .contains("the guest stood still for")
                .contains("stored encrypted")
                .contains("sealed frames")
                .contains("the VMM was killed")
                .contains("into a new built-in machine; the guest ran again after")
                .contains("every byte of every page checked once: 0 wrong")
                .containsPattern("eager  \\|=+#* *\\|  it went on after")
                .containsPattern("lazy   \\|=+#+ *\\|  after [0-9.]+ m?s, and had all its memory after");
        assertThat(nothing).isEmptyDirectory();
    }

    @Test
    void saysInJsonWhatItProved() {
        CommandRun run = CommandRun.of("demo", "--vmm", "builtin", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode json = run.json();
        assertThat(json.path("outcome").asString()).isEqualTo("demonstrated");
        assertThat(json.path("machine").asString()).isEqualTo("builtin");
        assertThat(json.path("machine_reason").asString()).isEqualTo("as asked for");
        assertThat(json.path("mode").asString()).isEqualTo("background");
        assertThat(json.path("pause_ms").asDouble()).isPositive();
        assertThat(json.path("capture_ms").asDouble())
                .isGreaterThan(json.path("pause_ms").asDouble());
        assertThat(json.path("memory_bytes").asLong()).isGreaterThanOrEqualTo(DemoVmm.MEMORY_BYTES);
        assertThat(json.path("added_bytes").asLong()).isBetween(DemoVmm.MEMORY_BYTES / 2, DemoVmm.MEMORY_BYTES);
        assertThat(json.path("resume_ms").asDouble()).isPositive();
        JsonNode clocks = json.path("clocks");
        assertThat(clocks.path("eager").path("resume_ms").asDouble()).isPositive();
        assertThat(clocks.path("lazy").path("resident_ms").asDouble())
                .isGreaterThan(clocks.path("lazy").path("resume_ms").asDouble());
        assertThat(json.path("passes_after_restore").asLong()).isPositive();
        assertThat(json.path("wrong_pages").asLong(-1)).isZero();
    }

    @Test
    void takesTheQemuOnThePathUnlessTold(@TempDir Path directory) throws Exception {
        Path qemu = Files.createFile(directory.resolve("qemu-system-x86_64"));
        assertThat(DemoVmm.choose(DemoCommand.Vmm.AUTO, directory.toString()).word())
                .isEqualTo("builtin");
        assertThat(qemu.toFile().setExecutable(true)).isTrue();
        assertThat(DemoVmm.choose(DemoCommand.Vmm.AUTO, "/none:" + directory).word())
                .isEqualTo("qemu");
        assertThat(DemoVmm.choose(DemoCommand.Vmm.BUILTIN, directory.toString()).word())
                .isEqualTo("builtin");
        assertThatThrownBy(() -> DemoVmm.choose(DemoCommand.Vmm.QEMU, "/none"))
                .isInstanceOf(UsageException.class)
                .hasMessage("There is no qemu-system-x86_64 on the PATH");
    }

    @Test
    void saysWhatToDoAboutAQemuThatDoesNotStart(@TempDir Path directory) throws Exception {
        Path qemu = Files.writeString(directory.resolve("qemu-system-x86_64"), "#!/bin/sh\necho no firmware\nexit 1\n");
        assertThat(qemu.toFile().setExecutable(true)).isTrue();
        CommandRun run = CommandRun.with(Map.of("PATH", directory.toString()), "demo", "-q");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).isEqualTo("""
                dray: The demo's VM did not start: no firmware
                      Try --vmm builtin
                """);
    }

    @Test
    void saysWhatToDoWhereNothingCanBeWritten() {
        CommandRun run = CommandRun.with(Map.of("TMPDIR", "/proc/none"), "demo", "--vmm", "builtin");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("No temporary directory can be made").contains("Set TMPDIR");
    }
}
