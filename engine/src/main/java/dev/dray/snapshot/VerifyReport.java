package dev.dray.snapshot;

import java.util.List;

/// What a verification looked at and found.
///
/// @param findings what is wrong, at most [#FINDINGS_MAX]
/// @param findingsInAll how many there were
/// @param snapshots looked at
/// @param packs looked at
/// @param packsRead of them, read whole
/// @param frames authenticated
/// @param bytes read
/// @param unusedPacks packs that no snapshot references: leftovers of captures that failed or still run
/// @param unusedBytes their length
public record VerifyReport(
        List<Finding> findings,
        long findingsInAll,
        long snapshots,
        long packs,
        long packsRead,
        long frames,
        long bytes,
        long unusedPacks,
        long unusedBytes) {
    /// More are counted, not listed.
    public static final int FINDINGS_MAX = 1000;

    public VerifyReport {
        findings = List.copyOf(findings);
    }

    public boolean sound() {
        return findingsInAll == 0;
    }
}
