package dev.dray.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/// Columns of text, as wide as their widest cell. A heading that begins with `>` aligns its column right.
final class Table {
    private final List<String[]> rows = new ArrayList<>();
    private final boolean[] right;

    Table(String... headings) {
        right = new boolean[headings.length];
        var row = headings.clone();
        for (int i = 0; i < row.length; i++) {
            right[i] = row[i].startsWith(">");
            row[i] = row[i].substring(right[i] ? 1 : 0);
        }
        rows.add(row);
    }

    void row(String... cells) {
        if (cells.length != right.length) {
            throw new IllegalArgumentException(cells.length + " cells in " + right.length + " columns");
        }
        rows.add(cells.clone());
    }

    void print(PrintStream out) {
        var widths = new int[right.length];
        for (String[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        for (String[] row : rows) {
            var line = new StringBuilder();
            for (int i = 0; i < row.length; i++) {
                String blanks = " ".repeat(widths[i] - row[i].length());
                line.append(i == 0 ? "" : "  ").append(right[i] ? blanks + row[i] : row[i] + blanks);
            }
            out.println(line.toString().stripTrailing());
        }
    }
}
