package dev.dray.cli;

import java.io.PrintStream;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/// Draws how much a guest asked for, and how soon.
final class WorkingSetGraph {
    private static final int COLUMNS = 50;

    private WorkingSetGraph() {}

    /// @param set `working_set` of a snapshot that is shown
    static void print(JsonNode set, PrintStream out) {
        long pages = set.path("pages").asLong();
        out.printf(
                Locale.ROOT,
                "working set: %,d pages (%s) that the guest asked for when it was last restored lazily%n",
                pages,
                Words.bytes(set.path("bytes").asLong()));
        for (JsonNode step : set.path("within")) {
            long within = step.path("pages").asLong();
            int bar = (int) ((within * COLUMNS + pages - 1) / Math.max(1, pages));
            out.printf(
                    Locale.ROOT,
                    "  in %-8s %-" + COLUMNS + "s  %,d%n",
                    time(step.path("ms").asLong()),
                    "#".repeat(bar),
                    within);
        }
    }

    private static String time(long ms) {
        return ms < 1000 ? ms + " ms" : ms / 1000 + (ms % 1000 == 0 ? "" : "." + ms % 1000 / 100) + " s";
    }
}
