package dev.dray.machine.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BareMetalGuestTest {
    @ParameterizedTest
    @EnumSource
    void isABootableFloppy(Fill fill) {
        byte[] image = BareMetalGuest.image(Parameters.ofMemory(64 << 20)
                .with(fill)
                .with(Thoroughness.ONE_BLOCK_A_PASS)
                .withDirtyRate(1 << 20)
                .withHotBytes(1 << 20)
                .withScatteredFromPass(3));
        assertThat(image).hasSize(BareMetalGuest.IMAGE_BYTES);
        assertThat(image[510]).isEqualTo((byte) 0x55);
        assertThat(image[511]).isEqualTo((byte) 0xaa);
    }

    @Test
    void refusesMemoryThatItCannotOwn() {
        assertThatThrownBy(() -> Parameters.ofMemory(4 << 20)).hasMessage("memoryBytes 0x400000");
        assertThatThrownBy(() -> Parameters.ofMemory(5L << 30)).hasMessage("memoryBytes 0x140000000");
        assertThat(Parameters.ofMemory(4L << 30).end()).isEqualTo(Parameters.END_MAX);
        assertThatThrownBy(() -> Parameters.ofMemory(8 << 20).withHotBytes(8 << 20))
                .hasMessageStartingWith("hotEnd");
    }

    @Test
    void assemblerRefusesLabelsThatAreMissingOrTwice() {
        assertThatThrownBy(() -> new Assembler(0).jump("away").assemble()).hasMessage("no label away");
        assertThatThrownBy(() -> new Assembler(0).label("a").label("a")).hasMessage("label a twice");
        assertThatThrownBy(() -> new Assembler(0).u32(1).padTo(2)).hasMessage("4 bytes do not fit in 2");
    }

    @Test
    void assemblesJumpsRelativeToTheirEnd() {
        byte[] code = new Assembler(0x7c00)
                .label("start")
                .jump("start")
                .bytes(0xb8)
                .addressOf("start")
                .assemble();
        assertThat(code).containsExactly(0xe9, 0xfb, 0xff, 0xff, 0xff, 0xb8, 0x00, 0x7c, 0x00, 0x00);
    }
}
