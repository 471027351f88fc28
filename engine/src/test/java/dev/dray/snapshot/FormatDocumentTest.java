package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// The document of the format and the code say the same.
class FormatDocumentTest {
    private static final Path DOCUMENT = Path.of("../docs/formats/repository-v1.md");
    private static final Path SOURCES = Path.of("src/main/java/dev/dray");

    private final List<String> document;

    FormatDocumentTest() throws IOException {
        document = Files.readAllLines(DOCUMENT);
    }

    /// The rows of the table after a marker, cells trimmed, without header and rule.
    private List<List<String>> table(String marker) {
        int at = document.indexOf("<!-- table: " + marker + " -->");
        assertThat(at).as(marker).isNotNegative();
        return rows(document.subList(at + 1, document.size()), "|");
    }

    private static List<List<String>> rows(List<String> lines, String prefix) {
        List<List<String>> rows = new ArrayList<>();
        for (String line : lines) {
            if (!line.startsWith(prefix)) {
                break;
            }
            String[] cells = line.substring(prefix.length()).split("\\|", -1);
            rows.add(Arrays.stream(cells)
                    .limit(cells.length - 1)
                    .map(String::strip)
                    .toList());
        }
        return rows.subList(2, rows.size());
    }

    /// The tables in a source's documentation.
    private static List<List<List<String>>> tables(Path source) throws IOException {
        List<List<List<String>>> tables = new ArrayList<>();
        List<String> lines = Files.readAllLines(source);
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).startsWith("/// |") && (i == 0 || !lines.get(i - 1).startsWith("/// |"))) {
                tables.add(rows(lines.subList(i, lines.size()), "/// |"));
            }
        }
        return tables;
    }

    @Test
    void everyTableOfBytesIsTheOneInTheCode() throws IOException {
        Pattern marker = Pattern.compile("<!-- table: (\\w+) (\\d) -->");
        int compared = 0;
        for (String line : document) {
            Matcher m = marker.matcher(line);
            if (m.matches()) {
                Path source = m.group(1).equals("KeySlots")
                        ? SOURCES.resolve("seal/KeySlots.java")
                        : SOURCES.resolve("snapshot/" + m.group(1) + ".java");
                assertThat(table(m.group(1) + " " + m.group(2)))
                        .as(line)
                        .isEqualTo(tables(source).get(Integer.parseInt(m.group(2))));
                compared++;
            }
        }
        assertThat(compared).isEqualTo(8);
    }

    @Test
    void tablesOfBytesAddUp() {
        for (String name : List.of("Envelope 0", "PackDirectory 0", "PackTrailer 0", "NodeCodec 1")) {
            int next = 0;
            for (List<String> row : table(name)) {
                assertThat(Integer.parseInt(row.get(0))).as(name + row).isEqualTo(next);
                next += Integer.parseInt(row.get(1));
            }
            int bytes = switch (name) {
                case "Envelope 0" -> Envelope.HEADER_BYTES;
                case "PackDirectory 0" -> PackDirectory.ENTRY_BYTES;
                case "PackTrailer 0" -> PackTrailer.BYTES;
                default -> NodeCodec.ENTRY_BYTES;
            };
            assertThat(next).as(name).isEqualTo(bytes);
        }
        long columns = table("SegmentCodec 0").stream()
                .filter(row -> row.getFirst().equals("–"))
                .count();
        assertThat(columns).isEqualTo(SegmentCodec.COLUMNS);
        int entry = table("WorkingSetCodec 0").stream()
                .filter(row -> row.getFirst().equals("–"))
                .mapToInt(row -> Integer.parseInt(row.get(1)))
                .sum();
        assertThat(entry).isEqualTo(WorkingSetCodec.ENTRY_BYTES);
    }

    @Test
    void kindsOfFramesAreTheCodes() {
        TreeMap<String, String> inDocument = new TreeMap<>();
        table("FrameKind").forEach(row -> inDocument.put(row.get(0), row.get(1)));
        TreeMap<String, String> inCode = new TreeMap<>();
        for (FrameKind kind : FrameKind.values()) {
            inCode.put(kind.name(), "" + kind.number);
        }
        assertThat(inDocument).isEqualTo(inCode);
    }

    @Test
    void magicsAreTheCodes() {
        String text = String.join("\n", document);
        for (ObjectKind kind : ObjectKind.values()) {
            assertThat(text).contains("`" + kind.text() + "`");
        }
    }

    @Test
    void limitsAreTheCodes() throws IllegalAccessException {
        TreeMap<String, String> inDocument = new TreeMap<>();
        table("limits").forEach(row -> inDocument.put(row.get(0).replace("`", ""), row.get(1)));
        TreeMap<String, String> inCode = new TreeMap<>();
        for (var field : Format.class.getDeclaredFields()) {
            boolean limit = field.getType() == int.class && !field.getName().endsWith("_SHIFT");
            if (limit) {
                inCode.put(field.getName(), "" + field.getInt(null));
            }
        }
        assertThat(inDocument).isEqualTo(inCode);
    }

    @Test
    void labelsOfKeysAreTheCodes() throws IOException {
        TreeSet<String> inDocument = new TreeSet<>();
        table("labels").forEach(row -> inDocument.add(row.get(0).replace("`", "")));
        TreeSet<String> inCode = new TreeSet<>();
        Pattern label = Pattern.compile("(?:derive|freshId)\\(\"([a-z-]+)\"");
        for (String name : List.of("RepositoryKeys", "Envelope", "PackBuilder", "SnapshotWriter")) {
            Matcher m = label.matcher(Files.readString(SOURCES.resolve("snapshot/" + name + ".java")));
            while (m.find()) {
                inCode.add(m.group(1));
            }
        }
        assertThat(inDocument).isEqualTo(inCode);
    }

    @Test
    void timesOfSessionsAreTheCodes() {
        String text = String.join(" ", document);
        assertThat(text).contains("every " + Session.BEAT.toSeconds() + " seconds");
        assertThat(text).contains("has not moved for " + Session.SILENCE.toMinutes() + " minutes");
    }
}
