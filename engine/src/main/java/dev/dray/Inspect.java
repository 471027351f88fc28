package dev.dray;

import java.io.InputStream;
import java.util.Optional;
import java.util.function.Consumer;

/// Prints any stream or file of Dray's own or of a VMM, up to where it is damaged.
///
/// @param file a path, or `-` for `in`
/// @param in standard input
/// @param place the repository that the file belongs to, if it does not lie in it
/// @param key with it, sealed parts are opened
/// @param lines receives the description line by line as it is found
public record Inspect(String file, InputStream in, Optional<String> place, KeySource key, Consumer<String> lines)
        implements Operation<Inspected> {
    @Override
    public Inspected run(Progress progress) throws OperationException {
        throw new UnsupportedOperationException();
    }
}
