package dev.dray.snapshot;

import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The names of the objects of a repository.
final class ObjectName {
    static final String CONFIG = "config/repository";
    static final String KEYS = "keys";
    static final String PACKS = "packs";
    static final String SNAPSHOTS = "snapshots";
    static final String SESSIONS = "sessions";
    static final String WORKING_SETS = "workingsets";

    private static final Pattern NUMBERED =
            Pattern.compile("(snapshots|sessions|workingsets)/([0-9a-f]{32})\\.(0|[1-9][0-9]{0,17})");
    private static final Pattern PLAIN = Pattern.compile("(packs|keys)/([0-9a-f]{32})");

    private ObjectName() {}

    static String hex(byte[] id) {
        return HexFormat.of().formatHex(id);
    }

    static byte[] id(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    static String pack(String hex) {
        return PACKS + "/" + hex;
    }

    static String key(String hex) {
        return KEYS + "/" + hex;
    }

    static String snapshot(String hex, long generation) {
        return SNAPSHOTS + "/" + hex + "." + generation;
    }

    static String session(String hex, long counter) {
        return SESSIONS + "/" + hex + "." + counter;
    }

    static String workingSet(String snapshotHex, long number) {
        return WORKING_SETS + "/" + snapshotHex + "." + number;
    }

    /// The parts of a manifest's, session's or working set's name; empty if it is not one.
    static Optional<Numbered> numbered(String name) {
        Matcher m = NUMBERED.matcher(name);
        return m.matches() ? Optional.of(new Numbered(m.group(2), Long.parseLong(m.group(3)))) : Optional.empty();
    }

    /// The hex digits of a pack's or key slot's name; empty if it is not one.
    static Optional<String> plain(String name) {
        Matcher m = PLAIN.matcher(name);
        return m.matches() ? Optional.of(m.group(2)) : Optional.empty();
    }

    /// @param hex 32 digits
    /// @param number generation, counter or number
    record Numbered(String hex, long number) {}
}
