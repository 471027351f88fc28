package dev.dray;

import dev.dray.memory.PageSize;
import dev.dray.page.WorkingSet;
import tools.jackson.databind.node.ObjectNode;

/// How much a guest asked for, and how soon.
final class WorkingSetOutline {
    private static final long[] WITHIN_MS = {1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000};

    private WorkingSetOutline() {}

    static void addTo(ObjectNode json, WorkingSet set) {
        long last = 0;
        var counts = new long[WITHIN_MS.length];
        for (int i = 0; i < set.count(); i++) {
            last = Math.max(last, set.afterMicros(i));
            for (int j = WITHIN_MS.length - 1; j >= 0 && set.afterMicros(i) <= WITHIN_MS[j] * 1000; j--) {
                counts[j]++;
            }
        }
        json.put("pages", set.count()).put("bytes", PageSize.offset(set.count()));
        json.put("last_ms", OutcomeJson.ms(last / 1e3));
        var array = json.putArray("within");
        for (int j = 0; j < WITHIN_MS.length && (j == 0 || counts[j - 1] < set.count()); j++) {
            if (counts[j] > 0) {
                array.addObject().put("ms", WITHIN_MS[j]).put("pages", counts[j]);
            }
        }
        if (counts[WITHIN_MS.length - 1] < set.count()) {
            array.addObject().put("ms", (last + 999) / 1000).put("pages", set.count());
        }
    }
}
