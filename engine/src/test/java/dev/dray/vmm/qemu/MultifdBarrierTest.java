package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MultifdBarrierTest {
    @ParameterizedTest
    @CsvSource({
        "pc-i440fx-7.2, 7.2.22, END_OF_SECTION",
        "pc-i440fx-7.2, 11.1.3, END_OF_SECTION",
        "pc-q35-8.0, 10.0.2, END_OF_SECTION",
        "pc-q35-8.1, 10.0.2, FLUSH_RECORD",
        "pc-q35-8.0.1, 10.0.2, END_OF_SECTION",
        "pc-i440fx-11.1, 11.1.3, FLUSH_RECORD",
        "microvm, 7.2.22, END_OF_SECTION",
        "microvm, 10.0.2, FLUSH_RECORD",
        "microvm, new, FLUSH_RECORD",
    })
    void theMachineTypeDecides(String machineType, String version, MultifdBarrier expected) {
        assertThat(MultifdBarrier.of(machineType, version)).isEqualTo(expected);
    }
}
