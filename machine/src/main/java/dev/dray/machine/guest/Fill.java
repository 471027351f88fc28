package dev.dray.machine.guest;

import java.util.Arrays;
import java.util.Optional;

/// What kinds of pages a guest's memory is made of. Kinds are scattered: neighbours are rarely alike.
public enum Fill {
    /// Half of the pages incompressible, half compress to about a quarter.
    HALF(1, 0, 8),
    /// Every page incompressible.
    INCOMPRESSIBLE(2, 0, 16),
    /// Every page compresses to about a quarter.
    COMPRESSIBLE(3, 0, 0),
    /// Of sixteen pages fourteen are zero for ever, one is incompressible, one compressible.
    MOSTLY_ZERO(4, 14, 1);

    private final int number;
    private final int zeroOf16;
    private final int randomOf16;

    Fill(int number, int zeroOf16, int randomOf16) {
        this.number = number;
        this.zeroOf16 = zeroOf16;
        this.randomOf16 = randomOf16;
    }

    /// How a guest's memory names it.
    int number() {
        return number;
    }

    static Optional<Fill> of(long number) {
        return Arrays.stream(values()).filter(each -> each.number == number).findFirst();
    }

    /// How many of sixteen pages are zero.
    int zeroOf16() {
        return zeroOf16;
    }

    /// How many of sixteen pages are incompressible.
    int randomOf16() {
        return randomOf16;
    }
}
