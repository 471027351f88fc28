package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.Verify;
import dev.dray.error.UsageException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValuesTest {
    @ParameterizedTest
    @CsvSource({"300ms, PT0.3S", "0s, PT0S", "90s, PT1M30S", "5m, PT5M", "2h, PT2H"})
    void readsDurations(String text, Duration duration) throws UsageException {
        assertThat(Values.duration("--x", text)).isEqualTo(duration);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "5 m", "-5m", "5d", "1e3s", "99999999999s"})
    void refusesWhatIsNoDuration(String text) {
        assertThatThrownBy(() -> Values.duration("--x", text))
                .isInstanceOf(UsageException.class)
                .hasMessage("--x '" + text + "' is not a duration");
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1",
        "1000, 1000",
        "1K, 1024",
        "1k, 1024",
        "200M, 209715200",
        "200MiB, 209715200",
        "200MB, 200000000",
        "1G/s, 1073741824",
        "3T, 3298534883328",
        "10B, 10"
    })
    void readsSizes(String text, long bytes) throws UsageException {
        assertThat(Values.bytes("--x", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "M", "-1", "1.5G", "1P", "1 M", "999999999999999T"})
    void refusesWhatIsNoSize(String text) {
        assertThatThrownBy(() -> Values.bytes("--x", text)).isInstanceOf(UsageException.class);
    }

    @Test
    void readsPartsOfTheData() throws UsageException {
        assertThat(VerifyCommand.subset("3/30")).isEqualTo(new Verify.Depth.Part(3, 30));
        assertThat(VerifyCommand.subset("2.5%")).isEqualTo(new Verify.Depth.Percent(2.5));
        for (String wrong : new String[] {"0/3", "4/3", "0%", "101%", "half", "5"}) {
            assertThatThrownBy(() -> VerifyCommand.subset(wrong)).isInstanceOf(UsageException.class);
        }
    }
}
