package dev.dray.vmm.cloudhypervisor;

import dev.dray.vmm.CaptureReport.PhaseTime;
import dev.dray.vmm.OperationWatch;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/// How long each part of a capture took, one after the other.
final class Phases {
    private final OperationWatch watch;
    private final String how;
    private final List<PhaseTime> over = new ArrayList<>();
    private String name;
    private long began = System.nanoTime();

    /// @param first that begins now
    /// @param how memory is read, in brackets; may be empty
    Phases(OperationWatch watch, String first, String how) {
        this.watch = watch;
        this.name = first;
        this.how = how;
    }

    /// Ends the part that lasts and begins the next one, which is told.
    void begin(String next) {
        watch.phase(
                switch (next) {
                    case "memory" -> "reading memory" + how;
                    case "changes" -> "reading what has changed meanwhile";
                    case "store" -> "storing";
                    default -> "reading what has changed";
                });
        end();
        name = next;
    }

    /// @param ms 0 while the guest stands still
    static OptionalDouble pause(double ms) {
        return ms == 0 ? OptionalDouble.empty() : OptionalDouble.of(ms);
    }

    /// The parts that are over.
    List<PhaseTime> over() {
        return List.copyOf(over);
    }

    /// Ends the last part.
    List<PhaseTime> end() {
        long now = System.nanoTime();
        over.add(new PhaseTime(name, (now - began) / 1e6));
        began = now;
        return over;
    }
}
