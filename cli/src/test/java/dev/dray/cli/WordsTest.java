package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WordsTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1023, 1023 B",
        "1024, 1.0 KiB",
        "91226112, 87.0 MiB",
        "1073741824, 1.0 GiB",
        "1073741823, 1.0 GiB",
        "1099511627776, 1.0 TiB",
        "9223372036854775807, 8192.0 PiB"
    })
    void writesSizes(long bytes, String words) {
        assertThat(Words.bytes(bytes)).isEqualTo(words);
    }

    @ParameterizedTest
    @CsvSource({"0, 0.0 ms", "1.25, 1.3 ms", "999.94, 999.9 ms", "3400, 3.4 s", "125000, 2 min 5 s"})
    void writesTimes(double ms, String words) {
        assertThat(Words.time(ms)).isEqualTo(words);
    }
}
