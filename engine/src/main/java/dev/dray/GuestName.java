package dev.dray;

import dev.dray.error.UsageException;
import java.util.regex.Pattern;

/// What guests and labels may be called.
final class GuestName {
    static final int CHARS_MAX = 128;

    static final int LABELS_MAX = 64;

    static final int LABEL_CHARS_MAX = 1024;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._+:-]{0," + (CHARS_MAX - 1) + "}");

    /// What [Show] and others take for an id or a prefix of one.
    private static final Pattern LIKE_AN_ID = Pattern.compile("[0-9a-fA-F]{6,}");

    private GuestName() {}

    static void check(String name) throws UsageException {
        if (!NAME.matcher(name).matches()) {
            throw new UsageException(
                    "'" + name + "' cannot be a guest's name",
                    "Use at most " + CHARS_MAX
                            + " letters, digits, '.', '_', '+', ':' and '-', beginning with a letter or digit");
        }
        if (LIKE_AN_ID.matcher(name).matches()) {
            throw new UsageException(
                    "The name '" + name + "' looks like a snapshot's id", "Add a character that is not a hex digit");
        }
    }

    static void checkLabel(String key, String value) throws UsageException {
        if (!NAME.matcher(key).matches()) {
            throw new UsageException(
                    "'" + key + "' cannot be a label's name",
                    "Use at most " + CHARS_MAX
                            + " letters, digits, '.', '_', '+', ':' and '-', beginning with a letter or digit");
        }
        if (value.length() > LABEL_CHARS_MAX || value.chars().anyMatch(Character::isISOControl)) {
            throw new UsageException(
                    "The value of label '" + key + "' is longer than " + LABEL_CHARS_MAX
                            + " characters or not one line of text",
                    "Use a shorter text");
        }
    }
}
