package dev.dray.machine.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/// What a self-checking guest reported: the lines of a serial log ([BareMetalGuest]) or of a report file, read
/// up to the last whole line. Lines of other origin (a firmware's) are ignored.
///
/// @param filled whether memory was filled; a restored guest never says so
/// @param passes how many passes were reported
/// @param firstPass the first pass reported, 0 if none
/// @param lastPass the last pass reported, 0 if none
/// @param verified passes after which a verification of all memory was asked for and succeeded
/// @param errors wrong pages
/// @param jumps places where the passes did not go up by one, as `00000007 after 00000009`: the guest was
///     reset, or two of them wrote here
public record GuestReport(
        boolean filled,
        long passes,
        long firstPass,
        long lastPass,
        List<Long> verified,
        List<PageError> errors,
        List<String> jumps) {
    private static final Pattern PASS = Pattern.compile("[0-9a-f]{8,16}");
    private static final Pattern FILLED = Pattern.compile("F[0-9a-f]{8,16}");
    private static final Pattern VERIFIED = Pattern.compile("V[0-9a-f]{8,16}");
    private static final Duration POLL = Duration.ofMillis(5);

    public GuestReport {
        verified = List.copyOf(verified);
        errors = List.copyOf(errors);
        jumps = List.copyOf(jumps);
    }

    /// Whether the guest found nothing wrong so far.
    public boolean isClean() {
        return errors.isEmpty() && jumps.isEmpty();
    }

    public static GuestReport parse(String text) {
        boolean filled = false;
        long passes = 0;
        long first = 0;
        long last = 0;
        List<Long> verified = new ArrayList<>();
        List<PageError> errors = new ArrayList<>();
        List<String> jumps = new ArrayList<>();
        int end = text.lastIndexOf('\n');
        for (String line : text.substring(0, Math.max(0, end)).split("\r?\n", -1)) {
            Optional<PageError> error = PageError.parse(line);
            if (error.isPresent()) {
                errors.add(error.get());
            } else if (FILLED.matcher(line).matches()) {
                filled = true;
            } else if (VERIFIED.matcher(line).matches()) {
                verified.add(Long.parseLong(line, 1, line.length(), 16));
            } else if (PASS.matcher(line).matches()) {
                long pass = Long.parseLong(line, 16);
                if (passes > 0 && pass != last + 1) {
                    jumps.add(line + " after " + Long.toHexString(last));
                }
                first = passes == 0 ? pass : first;
                last = pass;
                passes++;
            }
        }
        return new GuestReport(filled, passes, first, last, verified, errors, jumps);
    }

    /// Reads a log; one that does not exist yet is empty.
    public static GuestReport read(Path log) throws IOException {
        try {
            return parse(Files.readString(log, StandardCharsets.ISO_8859_1));
        } catch (NoSuchFileException _) {
            return parse("");
        }
    }

    /// Reads a log again and again until `enough`, or an error is in it, or time is over; returns what it read
    /// last.
    public static GuestReport await(Path log, Predicate<GuestReport> enough, Duration atMost)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (true) {
            GuestReport report = read(log);
            if (enough.test(report) || !report.isClean() || System.nanoTime() - deadline > 0) {
                return report;
            }
            Thread.sleep(POLL);
        }
    }

    /// [#await] for so many passes in this log.
    public static GuestReport awaitPasses(Path log, long passes, Duration atMost)
            throws IOException, InterruptedException {
        return await(log, report -> report.passes >= passes, atMost);
    }
}
