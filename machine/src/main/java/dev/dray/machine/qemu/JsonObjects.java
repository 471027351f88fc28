package dev.dray.machine.qemu;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Cuts a stream of bytes into JSON objects, however they are spread over lines: QMP needs no line ends. What does not
/// begin with a brace is cut at the end of its line, so that somebody can say what is wrong with it.
final class JsonObjects {
    /// Longest object taken: QMP commands have some hundred bytes.
    static final int BYTES_MAX = 1 << 20;

    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private int depth;
    private boolean inString;
    private boolean isEscaped;

    /// Takes the next byte.
    ///
    /// @return the object that it ends, or the line that is none
    Optional<String> take(byte next) throws IOException {
        if (text.size() == 0 && Character.isWhitespace(next)) {
            return Optional.empty();
        }
        if (text.size() == BYTES_MAX) {
            throw new IOException("a command of more than " + BYTES_MAX + " bytes");
        }
        boolean isObject = depth > 0 || (text.size() == 0 && next == '{');
        text.write(next);
        boolean ends = isObject ? endsObject(next) : next == '\n';
        if (!ends) {
            return Optional.empty();
        }
        String whole = text.toString(StandardCharsets.UTF_8);
        text.reset();
        return Optional.of(whole.strip());
    }

    private boolean endsObject(byte next) {
        if (inString) {
            inString = isEscaped || next != '"';
            isEscaped = !isEscaped && next == '\\';
            return false;
        }
        switch (next) {
            case '"' -> inString = true;
            case '{', '[' -> depth++;
            case '}', ']' -> depth--;
            default -> {
                // Nothing that matters here.
            }
        }
        return depth == 0;
    }
}
