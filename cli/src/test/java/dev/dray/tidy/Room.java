package dev.dray.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// A row of the table of rooms in `ARCHITECTURE.md`.
///
/// @param name the package
/// @param mayUse packages of ours that it may name, besides itself
/// @param outside what it may use of the world: see [References#outside(String)]
record Room(String name, Set<String> mayUse, Set<String> outside) {
    private static final String HEADING = "| room | what is in it | may use | outside |";

    /// All rooms, top to bottom.
    static List<Room> readAll() {
        List<Room> rooms = new ArrayList<>();
        boolean inTable = false;
        for (String line : Checkout.text(Checkout.root().resolve("ARCHITECTURE.md"))
                .lines()
                .toList()) {
            if (line.equals(HEADING)) {
                inTable = true;
            } else if (inTable && line.startsWith("| `")) {
                rooms.add(row(line));
            } else if (inTable && !line.startsWith("|")) {
                return rooms;
            }
        }
        throw new AssertionError("ARCHITECTURE.md has no table headed " + HEADING);
    }

    private static Room row(String line) {
        String[] cells = line.split("\\|", -1);
        assertThat(cells).as(line).hasSize(6);
        return new Room(name(cells[1].strip()), names(cells[3]), names(cells[4]));
    }

    private static Set<String> names(String cell) {
        return Arrays.stream(cell.split(",", -1))
                .map(String::strip)
                .filter(word -> !word.isEmpty())
                .map(Room::name)
                .collect(Collectors.toUnmodifiableSet());
    }

    /// The name of a package is written as code, without its beginning where that is plain: `page`.
    private static String name(String word) {
        if (!word.startsWith("`")) {
            return word;
        }
        String inner = word.substring(1, word.length() - 1);
        return inner.startsWith("dev.dray") ? inner : "dev.dray." + inner;
    }
}
