package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.GuestFate;
import dev.dray.Restored;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RestoreCommandTest {
    @ParameterizedTest
    @CsvSource({
        "RUNNING, The guest is running; it resumed after 12.0 ms and had all its memory after 34.0 ms",
        "PAUSED, The guest is paused; it had all its memory after 34.0 ms",
    })
    void doesNotSayOfAGuestThatIsPausedThatItResumed(GuestFate guest, String sentence) {
        var out = new ByteArrayOutputStream();
        var restored = new Restored(
                "3fa9c1",
                "web1",
                1,
                guest,
                "qemu 10.0.2",
                "eager",
                1,
                40,
                12,
                34,
                4096,
                0,
                4096,
                100,
                List.of(),
                List.of(),
                Optional.empty());
        RestoreCommand.print(restored, new PrintStream(out, true, StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8).lines()).contains(sentence);
    }
}
