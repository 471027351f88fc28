package dev.dray.vmm.cloudhypervisor;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// A page was asked for and answered: one of [#SAMPLE], and each that was not in its place.
@Name("dev.dray.Fault")
@Label("Page Requested")
@Category({"Dray", "Lazy Restore"})
@StackTrace(false)
final class FaultEvent extends Event {
    /// Requests that found their page in its place, for one that is noted.
    static final int SAMPLE = 1024;

    @Label("Guest Physical Address")
    long gpa;

    @Label("Was Present")
    boolean present;
}
