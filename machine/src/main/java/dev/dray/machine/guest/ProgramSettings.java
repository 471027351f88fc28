package dev.dray.machine.guest;

/// What a [GuestProgram] is to do, as it is started. A restored program goes on with what it was started with.
///
/// @param dirtyBytesPerSecond how fast it changes pages, 4096 bytes each; 0 for as fast as it can
public record ProgramSettings(Workload workload, Fill fill, long dirtyBytesPerSecond) {
    public ProgramSettings {
        if (dirtyBytesPerSecond < 0) {
            throw new IllegalArgumentException("dirtyBytesPerSecond " + dirtyBytesPerSecond);
        }
    }

    /// Visits all pages at 16 MiB/s, half of them incompressible.
    public static ProgramSettings standard() {
        return new ProgramSettings(Workload.SWEEP, Fill.HALF, 16 << 20);
    }
}
