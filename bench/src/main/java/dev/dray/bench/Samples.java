package dev.dray.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Measurements of several things in turn, round by round, and the table of them.
final class Samples {
    private final String unit;
    private final Map<String, List<Double>> values = new LinkedHashMap<>();

    Samples(String unit) {
        this.unit = unit;
    }

    void add(String what, double value) {
        values.computeIfAbsent(what, _ -> new ArrayList<>()).add(value);
    }

    /// How long each part of a run took, as Dray has it.
    void addPhases(DrayCommand.Run run) {
        run.outcome()
                .path("phases")
                .forEach(phase -> add(
                        "  of which " + phase.path("name").asString(),
                        phase.path("ms").asDouble()));
    }

    double median(String what) {
        return median(values.getOrDefault(what, List.of()));
    }

    /// The median of what one thing took against another in the same round.
    double ratio(String what, String beside) {
        List<Double> ratios = new ArrayList<>();
        List<Double> mine = values.getOrDefault(what, List.of());
        List<Double> theirs = values.getOrDefault(beside, List.of());
        for (int i = 0; i < Math.min(mine.size(), theirs.size()); i++) {
            ratios.add(mine.get(i) / theirs.get(i));
        }
        return median(ratios);
    }

    /// Prints a line for each thing: median, least, most, and the ratio to `beside`.
    ///
    /// @param beside what the others are compared with; empty for nothing
    void print(String beside) {
        System.out.printf(Locale.ROOT, "%-44s %10s %10s %10s %7s %3s%n", "", "median", "min", "max", "ratio", "n");
        values.forEach((what, list) -> System.out.printf(
                Locale.ROOT,
                "%-44s %10.1f %10.1f %10.1f %7s %3d  %s%n",
                what,
                median(list),
                Collections.min(list),
                Collections.max(list),
                beside.isEmpty() || what.equals(beside) ? "" : String.format(Locale.ROOT, "%.2f", ratio(what, beside)),
                list.size(),
                unit));
    }

    private static double median(List<Double> list) {
        if (list.isEmpty()) {
            return Double.NaN;
        }
        List<Double> sorted = new ArrayList<>(list);
        Collections.sort(sorted);
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }
}
