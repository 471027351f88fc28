package dev.dray;

import dev.dray.error.UsageException;
import java.util.Map;
import java.util.regex.Pattern;

/// What labels may be.
final class Labels {
    static final int COUNT_MAX = 64;

    static final int VALUE_CHARS_MAX = 1024;

    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/-]{0,127}");

    private Labels() {}

    static void check(Map<String, String> labels) throws UsageException {
        if (labels.size() > COUNT_MAX) {
            throw new UsageException(
                    labels.size() + " labels are more than a snapshot can have", "Use at most " + COUNT_MAX);
        }
        for (var label : labels.entrySet()) {
            String key = label.getKey();
            String value = label.getValue();
            if (!KEY.matcher(key).matches()) {
                throw new UsageException(
                        "'" + key + "' cannot be a label's name",
                        "Use at most 128 letters, digits and . _ / -, beginning with a letter or digit");
            }
            if (value.length() > VALUE_CHARS_MAX || value.chars().anyMatch(Character::isISOControl)) {
                throw new UsageException(
                        "The value of label '" + key + "' is not one line of text of at most " + VALUE_CHARS_MAX
                                + " characters",
                        "Use a shorter text");
            }
        }
    }
}
