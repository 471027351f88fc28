package dev.dray.snapshot;

import java.util.List;

/// One named part of the machine state, cut into frames.
///
/// @param bytes its length
/// @param frames its pieces in order
public record StatePart(long bytes, List<FrameRef> frames) {
    public StatePart {
        frames = List.copyOf(frames);
    }
}
