package dev.dray.machine.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuestReportTest {
    @Test
    void countsPassesAndIgnoresWhatIsNotTheGuests() {
        GuestReport report =
                GuestReport.parse("SeaBIOS (version 1)\r\nF02000000\n00000009\n0000000a\nV0000000a\n0000000b\n");
        assertThat(report.filled()).isTrue();
        assertThat(report.passes()).isEqualTo(3);
        assertThat(report.firstPass()).isEqualTo(9);
        assertThat(report.lastPass()).isEqualTo(11);
        assertThat(report.verified()).containsExactly(10L);
        assertThat(report.isClean()).isTrue();
    }

    @Test
    void doesNotReadALineThatIsNotWhole() {
        assertThat(GuestReport.parse("00000001\n00000002").lastPass()).isEqualTo(1);
        assertThat(GuestReport.parse("00000001").passes()).isZero();
    }

    @Test
    void findsErrorsAndJumps() {
        GuestReport report = GuestReport.parse("00000005\n00000001\nX00123000 S 00000004 00000005\n");
        assertThat(report.jumps()).containsExactly("00000001 after 5");
        assertThat(report.errors()).containsExactly(new PageError(0x123000, PageError.Kind.STALE, 4, 5));
        assertThat(report.isClean()).isFalse();
    }

    @Test
    void waitsNoLongerThanItWasTold(@TempDir Path directory) throws Exception {
        GuestReport report = GuestReport.awaitPasses(directory.resolve("none"), 1, Duration.ofMillis(20));
        assertThat(report.passes()).isZero();
    }
}
