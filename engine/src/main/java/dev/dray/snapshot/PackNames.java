package dev.dray.snapshot;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The packs that one writer knows, by number. A pack gets its number when its first frame is added and its
/// name when its last frame was added. For many threads.
final class PackNames {
    private static final String UNNAMED = "";

    private final List<String> names = new ArrayList<>();
    private final Map<String, Integer> numbers = new HashMap<>();

    /// The number of a pack that is about to be filled.
    synchronized int reserve() {
        if (names.size() > Location.PACK_MAX) {
            throw new IllegalStateException(names.size() + " packs");
        }
        names.add(UNNAMED);
        return names.size() - 1;
    }

    synchronized void name(int number, String hex) {
        names.set(number, hex);
        numbers.put(hex, number);
    }

    /// The number of a stored pack.
    synchronized int known(String hex) {
        Integer number = numbers.get(hex);
        if (number == null) {
            number = reserve();
            name(number, hex);
        }
        return number;
    }

    /// All numbers are lower.
    synchronized int count() {
        return names.size();
    }

    synchronized String name(int number) {
        String hex = names.get(number);
        if (hex.equals(UNNAMED)) {
            throw new IllegalStateException("pack " + number + " has no name yet");
        }
        return hex;
    }
}
