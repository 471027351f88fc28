package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.GuestFate;
import dev.dray.Restored;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DemoClocksTest {
    private static Restored restored(double resumeMs, double residentMs) {
        return new Restored(
                "3fa9c1",
                "clocks",
                1,
                GuestFate.RUNNING,
                "cloud-hypervisor",
                "",
                0,
                0,
                resumeMs,
                residentMs,
                0,
                0,
                0,
                0,
                List.of(),
                List.of(),
                Optional.empty());
    }

    @Test
    void drawsBothToOneScale() {
        assertThat(new DemoClocks(restored(200, 200), restored(100, 400)).lines())
                .anyMatch(line -> line.startsWith("eager  |" + "=".repeat(20) + " ".repeat(20) + "|"))
                .anyMatch(line -> line.startsWith("lazy   |" + "=".repeat(10) + "#".repeat(30) + "|"));
    }

    @ParameterizedTest
    @CsvSource({"100000, 10, 20, 1", "10, 10000, 10001, 39"})
    void aGuestThatRunsBeforeItsMemoryIsThereIsSeenToDoSo(double eager, double resume, double resident, int waits) {
        String lazy = new DemoClocks(restored(eager, eager), restored(resume, resident))
                .lines()
                .get(1);
        assertThat(lazy).startsWith("lazy   |" + "=".repeat(waits) + "#" + " ".repeat(39 - waits) + "|");
    }
}
