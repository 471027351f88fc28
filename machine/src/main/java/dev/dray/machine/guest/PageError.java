package dev.dray.machine.guest;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a guest found wrong with one of its pages. As text, and on the serial port, it is one line:
/// `X<address> <letter> <found> <expected>`, all numbers hexadecimal with at least eight digits.
///
/// @param address guest-physical address of the page
/// @param found the wrong word, or for [Kind#MOVED] the address that the block says it belongs to
/// @param expected what should have been there
public record PageError(long address, Kind kind, int found, int expected) {
    private static final Pattern LINE =
            Pattern.compile("X([0-9a-f]{8,16}) ([A-Z]) ([0-9a-f]{8}) ([0-9a-f]{8})", Pattern.CASE_INSENSITIVE);

    /// The ways in which a page can be wrong, and the letter of each.
    public enum Kind {
        /// Every byte is zero, where there was content.
        ZEROED('Z'),
        /// The page as it was in another pass.
        STALE('S'),
        /// The contents of another page.
        MOVED('M'),
        /// Parts of different passes, or a part that was lost.
        TORN('T'),
        /// The right place and pass, but wrong bytes between.
        BODY('B'),
        /// Content, where there was none.
        NOT_ZERO('N'),
        /// Registers and memory are of different moments.
        REGISTER('R');

        private final char letter;

        Kind(char letter) {
            this.letter = letter;
        }

        /// How a report names it.
        public char letter() {
            return letter;
        }

        static Optional<Kind> of(char letter) {
            for (Kind kind : values()) {
                if (kind.letter == letter) {
                    return Optional.of(kind);
                }
            }
            return Optional.empty();
        }
    }

    /// Reads what [#toString()] and the bare-metal guest print; empty if the line is something else.
    static Optional<PageError> parse(String line) {
        Matcher matcher = LINE.matcher(line);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        return Kind.of(matcher.group(2).charAt(0))
                .map(kind -> new PageError(
                        Long.parseUnsignedLong(matcher.group(1), 16),
                        kind,
                        Integer.parseUnsignedInt(matcher.group(3), 16),
                        Integer.parseUnsignedInt(matcher.group(4), 16)));
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "X%08x %c %08x %08x", address, kind.letter, found, expected);
    }
}
