package dev.dray.machine.guest;

/// What kinds of pages a guest's memory is made of. Kinds are scattered: neighbours are rarely alike.
public enum Fill {
    /// Half of the pages incompressible, half compress to about a quarter.
    HALF(0, 8),
    /// Every page incompressible.
    INCOMPRESSIBLE(0, 16),
    /// Every page compresses to about a quarter.
    COMPRESSIBLE(0, 0),
    /// Of sixteen pages fourteen are zero for ever, one is incompressible, one compressible.
    MOSTLY_ZERO(14, 1);

    private final int zeroOf16;
    private final int randomOf16;

    Fill(int zeroOf16, int randomOf16) {
        this.zeroOf16 = zeroOf16;
        this.randomOf16 = randomOf16;
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
