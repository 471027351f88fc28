package dev.dray.machine.guest;

/// How much of a page a guest looks at on each visit.
public enum Thoroughness {
    /// Every byte, on every visit.
    EVERY_BYTE,
    /// The counters and places of all blocks, and the body of one block out of eight, another in each pass:
    /// several times faster, and any wrong byte is found within eight passes.
    ONE_BLOCK_A_PASS
}
