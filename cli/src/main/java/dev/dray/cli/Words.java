package dev.dray.cli;

import dev.dray.GuestFate;
import java.util.Locale;

/// Numbers as people read them.
final class Words {
    private static final String[] UNITS = {"KiB", "MiB", "GiB", "TiB", "PiB"};

    private Words() {}

    /// `1.0 GiB`, `87.2 MiB`, `512 B`.
    static String bytes(long bytes) {
        if (bytes < 1024) {
            return bytes + " B";
        }
        double value = bytes;
        int unit = -1;
        do {
            value /= 1024;
            unit++;
        } while (value >= 1023.95 && unit + 1 < UNITS.length); // else it would print as 1024.0
        return String.format(Locale.ROOT, "%.1f %s", value, UNITS[unit]);
    }

    /// `1.2 ms`, `3.4 s`, `2 min 5 s`.
    static String time(double ms) {
        if (ms < 1000) {
            return String.format(Locale.ROOT, "%.1f ms", ms);
        }
        if (ms < 60_000) {
            return String.format(Locale.ROOT, "%.1f s", ms / 1000);
        }
        long seconds = Math.round(ms / 1000);
        return seconds / 60 + " min " + seconds % 60 + " s";
    }

    /// `1 snapshot`, `2 snapshots`.
    static String count(long count, String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }

    static String guest(GuestFate guest) {
        return switch (guest) {
            case RUNNING -> "The guest is running";
            case PAUSED -> "The guest is paused";
            case GONE -> "The guest is gone: no VMM has it";
            case NEEDS_DRAY -> "The guest needs a Dray to serve its memory";
            case UNKNOWN -> "It is not known where the guest is";
        };
    }
}
