package dev.dray.cli;

import dev.dray.error.UsageException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads values of options: durations, sizes, one of several words.
final class Values {
    private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m|h)");

    private static final Pattern SIZE = Pattern.compile("([0-9]{1,15})([kKMGT]?)(i?B)?(/s)?");

    private static final Pattern COUNT = Pattern.compile("[0-9]{1,9}");

    private static final Map<String, Long> POWERS = Map.of("", 0L, "K", 1L, "M", 2L, "G", 3L, "T", 4L);

    private Values() {}

    /// `300ms`, `5m`.
    static Duration duration(String option, String text) throws UsageException {
        Matcher matcher = DURATION.matcher(text);
        if (!matcher.matches()) {
            throw new UsageException(
                    option + " '" + text + "' is not a duration", "Write a number with ms, s, m or h: 300ms, 5m");
        }
        long number = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            default -> Duration.ofHours(number);
        };
    }

    /// `500M` and `500MiB` are 500 x 2^20, `500MB` is 500 x 10^6; a `/s` behind it is allowed.
    static long bytes(String option, String text) throws UsageException {
        Matcher matcher = SIZE.matcher(text);
        if (matcher.matches()) {
            long base = "B".equals(matcher.group(3)) ? 1000 : 1024;
            long power = POWERS.getOrDefault(matcher.group(2).toUpperCase(Locale.ROOT), 0L);
            try {
                long bytes = Long.parseLong(matcher.group(1));
                for (long i = 0; i < power; i++) {
                    bytes = Math.multiplyExact(bytes, base);
                }
                if (bytes > 0) {
                    return bytes;
                }
            } catch (ArithmeticException e) {
                // More than 8 EiB: answered below.
            }
        }
        throw new UsageException(
                option + " '" + text + "' is not a number of bytes",
                "Write a number, with K, M, G or T if you like: 200M");
    }

    /// `4`.
    static int count(String option, String text) throws UsageException {
        if (!COUNT.matcher(text).matches()) {
            throw new UsageException(option + " '" + text + "' is not a number", "Write a number: 4");
        }
        return Integer.parseInt(text);
    }

    /// One of an enum's words in lower case.
    static <E extends Enum<E>> E word(String option, String text, Class<E> type) throws UsageException {
        var words = new StringBuilder();
        for (E value : type.getEnumConstants()) {
            String word = value.name().toLowerCase(Locale.ROOT);
            if (word.equals(text)) {
                return value;
            }
            words.append(words.isEmpty() ? "" : ", ").append(word);
        }
        throw new UsageException(option + " '" + text + "' is unknown", "Use one of: " + words);
    }
}
