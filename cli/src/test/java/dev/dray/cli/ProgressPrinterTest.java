package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ProgressPrinterTest {
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private ProgressPrinter printer(String... flags) {
        var around = CommandRun.surroundings(Map.of(), new ByteArrayOutputStream(), err);
        return new ProgressPrinter("capture", around, Output.of(List.of(flags), around));
    }

    private String printed() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void printsALineAPhaseWithoutATerminal() {
        try (var progress = printer()) {
            progress.phase("copying memory");
            progress.bytes(100, 200);
            progress.detail("mode background, because it can");
            progress.warning("the disk is not captured");
            progress.phase("publishing");
        }
        assertThat(printed()).isEqualTo("""
                dray capture: copying memory
                dray capture: warning: the disk is not captured
                dray capture: publishing
                """);
    }

    @Test
    void printsReasonsWhenVerbose() {
        try (var progress = printer("--verbose")) {
            progress.detail("mode background, because it can");
        }
        assertThat(printed()).isEqualTo("dray capture: mode background, because it can\n");
    }

    @Test
    void saysNothingWhenQuiet() {
        try (var progress = printer("--quiet", "--verbose")) {
            progress.phase("copying memory");
            progress.warning("w");
            progress.detail("d");
        }
        assertThat(printed()).isEmpty();
    }

    @Test
    void tellsPhaseBytesRateAndTimeLeftOnOneLine() {
        assertThat(ProgressPrinter.line("capture", "copying memory", 1L << 30, 4L << 30, 2_000_000_000L))
                .isEqualTo("capture: copying memory  1.0 GiB of 4.0 GiB  512.0 MiB/s  6 s left");
        assertThat(ProgressPrinter.line("capture", "copying memory", 1L << 30, -1, 2_000_000_000L))
                .isEqualTo("capture: copying memory  1.0 GiB  512.0 MiB/s");
        assertThat(ProgressPrinter.line("capture", "connecting", 0, -1, 5)).isEqualTo("capture: connecting");
        assertThat(ProgressPrinter.line("capture", "x".repeat(100), 0, -1, 5)).hasSize(79);
    }
}
