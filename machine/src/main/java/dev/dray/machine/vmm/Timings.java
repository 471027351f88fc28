package dev.dray.machine.vmm;

import java.util.function.Supplier;

/// What measurements want to know of a machine: lines of `KEY=VALUE` in a log of their own, which nobody sees who does
/// not ask for its level `DEBUG`.
public final class Timings {
    private static final System.Logger LOG = System.getLogger("dev.dray.machine.timings");

    private Timings() {}

    public static void tell(Supplier<String> line) {
        LOG.log(System.Logger.Level.DEBUG, line);
    }
}
