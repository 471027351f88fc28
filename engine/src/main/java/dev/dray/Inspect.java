package dev.dray;

import java.io.InputStream;
import java.util.Optional;

/// Tells what is in any stream or file of Dray's own or of a VMM, up to where it is damaged.
///
/// @param file a path, or `-` for `in`
/// @param in standard input
/// @param place the repository that the file belongs to, if it does not lie in it
/// @param key with it, sealed parts are opened
public record Inspect(String file, InputStream in, Optional<String> place, KeySource key)
        implements Operation<Inspected> {
    @Override
    public Inspected run(Progress progress) throws OperationException {
        return OperationException.withoutGuest(() -> InspectRun.run(this, progress));
    }
}
