package dev.dray.vmm.cloudhypervisor;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// Pages in a row were read, decoded and put into their places.
@Name("dev.dray.Decode")
@Label("Pages Decoded")
@Category({"Dray", "Lazy Restore"})
@StackTrace(false)
final class DecodeEvent extends Event {
    @Label("Pages")
    long pages;
}
