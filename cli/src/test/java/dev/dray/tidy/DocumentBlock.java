package dev.dray.tidy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A fenced block of a Markdown document.
///
/// @param kind what stands behind the opening fence: `sh test`, `java`
/// @param line where it begins, from 1
record DocumentBlock(Path document, String kind, int line, String text) {
    private static final String FENCE = "```";

    static List<DocumentBlock> ofKind(Path document, String kind) {
        List<DocumentBlock> blocks = new ArrayList<>();
        List<String> lines = Checkout.text(document).lines().toList();
        int from = -1;
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).startsWith(FENCE)) {
                continue;
            }
            if (from < 0) {
                from = i;
            } else {
                String text = String.join("\n", lines.subList(from + 1, i)) + "\n";
                blocks.add(new DocumentBlock(document, lines.get(from).substring(FENCE.length()), from + 1, text));
                from = -1;
            }
        }
        return blocks.stream().filter(b -> b.kind().equals(kind)).toList();
    }
}
