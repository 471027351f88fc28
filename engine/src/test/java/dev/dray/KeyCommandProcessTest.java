package dev.dray;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.KeyException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class KeyCommandProcessTest {
    private static final Duration LIMIT = Duration.ofMinutes(1);

    private static String run(String command) throws DrayException {
        return KeyCommandProcess.output(command, LIMIT, () -> false);
    }

    @Test
    void givesWhatTheCommandPrints() throws DrayException {
        assertThat(run("echo one; echo two")).isEqualTo("one\ntwo\n");
    }

    @Test
    void hasNothingToRead() throws DrayException {
        assertThat(run("cat")).isEmpty();
    }

    @Test
    void failsWithTheCommand() {
        assertThatThrownBy(() -> run("exit 7"))
                .isInstanceOf(KeyException.class)
                .hasMessage("The key command failed with exit code 7");
    }

    @Test
    void refusesMuchOutput() {
        assertThatThrownBy(() -> run("yes | head -c 1000000"))
                .isInstanceOf(KeyException.class)
                .hasMessage("The key command printed more than 4096 bytes");
    }

    @Test
    void killsTheCommandAtItsTimeLimit() {
        long start = System.nanoTime();
        assertThatThrownBy(() -> KeyCommandProcess.output("sleep 300 | cat", Duration.ofSeconds(1), () -> false))
                .isInstanceOf(KeyException.class)
                .hasMessage("The key command did not end within 1 s and was killed");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMinutes(2));
    }

    @Test
    void stopsWhenTheUserStops() {
        assertThatThrownBy(() -> KeyCommandProcess.output("sleep 300", LIMIT, () -> true))
                .isInstanceOf(InterruptedOperation.class);
    }

    @Test
    void keepsSecretsFromTheCommand() {
        assertThat(KeyCommandProcess.isSecret("DRAY_PASSPHRASE")).isTrue();
        assertThat(KeyCommandProcess.isSecret("DRAY_KEY_FILE")).isTrue();
        assertThat(KeyCommandProcess.isSecret("DRAY_REPO")).isFalse();
        assertThat(KeyCommandProcess.isSecret("PATH")).isFalse();
    }
}
