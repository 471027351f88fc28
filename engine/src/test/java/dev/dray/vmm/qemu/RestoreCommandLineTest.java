package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RestoreCommandLineTest {
    private static String of(String source, String machine) {
        return String.join(" ", RestoreCommandLine.of(List.of(source.split(" ")), machine));
    }

    @Test
    void namesTheMachineByItsVersion() {
        assertThat(of("qemu -M pc,usb=off -m 64", "pc-i440fx-7.2"))
                .isEqualTo("qemu -M pc-i440fx-7.2,usb=off -m 64 -incoming defer");
        assertThat(of("qemu -machine usb=off,type=q35 -m 64", "pc-q35-7.2"))
                .isEqualTo("qemu -machine pc-q35-7.2,usb=off -m 64 -incoming defer");
        assertThat(of("qemu --machine q35", "pc-q35-7.2")).isEqualTo("qemu --machine pc-q35-7.2 -incoming defer");
        assertThat(of("qemu -m 64", "pc-i440fx-7.2")).isEqualTo("qemu -m 64 -machine pc-i440fx-7.2 -incoming defer");
    }

    @Test
    void keepsFurtherMachineOptionsAsTheyAre() {
        assertThat(of("qemu -machine pc -machine smm=off", "pc-i440fx-7.2"))
                .isEqualTo("qemu -machine pc-i440fx-7.2 -machine smm=off -incoming defer");
        assertThat(of("qemu -machine smm=off -machine pc", "pc-i440fx-7.2"))
                .isEqualTo("qemu -machine smm=off -machine pc-i440fx-7.2 -incoming defer");
        assertThat(of("qemu -machine smm=off", "pc-i440fx-7.2"))
                .isEqualTo("qemu -machine smm=off -machine pc-i440fx-7.2 -incoming defer");
    }

    @Test
    void replacesWhereTheSourceCameFrom() {
        assertThat(of("qemu -incoming tcp:0:1 -loadvm x -S -qmp unix:/q,server=on,wait=off", ""))
                .isEqualTo("qemu -S -qmp unix:/q,server=on,wait=off -incoming defer");
        assertThat(of("qemu -machine pc-i440fx-7.2 -incoming defer", "pc-i440fx-7.2"))
                .isEqualTo("qemu -machine pc-i440fx-7.2 -incoming defer");
    }

    @Test
    void isEmptyIfTheSourceIsNotKnown() {
        assertThat(RestoreCommandLine.of(List.of(), "pc-i440fx-7.2")).isEmpty();
    }
}
