package dev.dray.cli;

import java.io.PrintStream;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// JSON as an indented outline for people: sizes with units, empty things left out.
final class Tree {
    private static final int KEY_COLUMNS = 16;

    private static final int COLUMNS = 100;

    private Tree() {}

    static void print(JsonNode node, PrintStream out) {
        print(node, 0, out);
    }

    /// @param depth how far to indent it
    static void print(JsonNode node, int depth, PrintStream out) {
        fields(node, depth, out);
    }

    private static void fields(JsonNode node, int depth, PrintStream out) {
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            String key = "  ".repeat(depth) + field.getKey().replace('_', ' ');
            JsonNode value = field.getValue();
            if (value.isContainer() && value.isEmpty()) {
                continue;
            }
            if (value.isObject()) {
                out.println(key);
                fields(value, depth + 1, out);
            } else if (value.isArray()) {
                out.println(key);
                elements(value, depth + 1, out);
            } else {
                wrapped("%-" + KEY_COLUMNS + "s  ", key, scalar(field.getKey(), value), out);
            }
        }
    }

    /// Long texts (a CPU's flags) go on under themselves.
    private static void wrapped(String format, String key, String text, PrintStream out) {
        var line = new StringBuilder(format.formatted(key));
        String indent = " ".repeat(line.length());
        for (String word : text.split(" ", -1)) {
            if (line.length() + 1 + word.length() > COLUMNS && !line.toString().isBlank()) {
                out.println(line.toString().stripTrailing());
                line.setLength(0);
                line.append(indent);
            }
            line.append(word).append(' ');
        }
        out.println(line.toString().stripTrailing());
    }

    private static void elements(JsonNode array, int depth, PrintStream out) {
        for (JsonNode element : array) {
            if (element.isObject()) {
                out.println("  ".repeat(depth) + line(element));
            } else {
                out.println("  ".repeat(depth) + scalar("", element));
            }
        }
    }

    /// `name pc.ram, bytes 1.0 GiB`: an element of a list on one line.
    private static String line(JsonNode object) {
        var line = new StringBuilder();
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            JsonNode value = field.getValue();
            if (value.isContainer() && value.isEmpty()) {
                continue;
            }
            line.append(line.isEmpty() ? "" : ", ")
                    .append(field.getKey().replace('_', ' '))
                    .append(' ')
                    .append(value.isContainer() ? value.toString() : scalar(field.getKey(), value));
        }
        return line.toString();
    }

    private static String scalar(String key, JsonNode value) {
        if (value.isIntegralNumber() && (key.equals("bytes") || key.endsWith("_bytes"))) {
            long bytes = value.asLong();
            return bytes < 1024 ? Words.bytes(bytes) : Words.bytes(bytes) + " (" + bytes + ")";
        }
        if (value.isIntegralNumber() && (key.equals("gpa") || key.equals("offset"))) {
            return "0x" + Long.toHexString(value.asLong());
        }
        return value.isString() ? value.stringValue() : value.toString();
    }
}
