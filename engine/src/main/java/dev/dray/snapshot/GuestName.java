package dev.dray.snapshot;

import dev.dray.error.UsageException;
import java.util.regex.Pattern;

/// The rules for names of guests: they must not be taken for a snapshot's id, nor for `NAME@N`.
public final class GuestName {
    public static final int CHARS_MAX = 128;

    private static final Pattern LOOKS_LIKE_ID = Pattern.compile("[0-9a-fA-F]{6,}");
    private static final Pattern ALLOWED = Pattern.compile("[\\p{L}\\p{N}_][\\p{L}\\p{N}_.:+-]*");

    private GuestName() {}

    /// @throws UsageException if `name` cannot name a guest
    public static void check(String name) throws UsageException {
        if (name.isEmpty()) {
            throw new UsageException("The guest's name is empty", "Give one with --name");
        }
        if (name.length() > CHARS_MAX) {
            throw new UsageException(
                    "A guest's name of " + name.length() + " characters is too long", "Use at most " + CHARS_MAX);
        }
        if (LOOKS_LIKE_ID.matcher(name).matches()) {
            throw new UsageException(
                    "The name " + name + " looks like a snapshot's id", "Use a name with a letter beyond f");
        }
        if (!ALLOWED.matcher(name).matches()) {
            throw new UsageException(
                    "The name " + name.replaceAll("\\p{Cntrl}", "?")
                            + " has characters that a guest's name cannot have",
                    "Use letters, digits and _ . : + -, beginning with a letter, a digit or _");
        }
    }
}
