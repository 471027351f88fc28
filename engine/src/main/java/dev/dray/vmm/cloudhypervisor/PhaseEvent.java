package dev.dray.vmm.cloudhypervisor;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// A phase of a restore is over.
@Name("dev.dray.Phase")
@Label("Restore Phase")
@Category({"Dray", "Restore"})
@StackTrace(false)
final class PhaseEvent extends Event {
    @Label("Phase")
    String phase = "";

    @Label("Milliseconds")
    double ms;
}
