package dev.dray;

import java.util.Optional;
import java.util.function.Consumer;

/// Prints any stream or file of Dray's own or of a VMM, up to where it is damaged.
///
/// @param file a path, or `-` for standard input
/// @param repository with its key, sealed parts are opened
/// @param lines receives the description line by line as it is found
public record Inspect(String file, Optional<RepositoryAccess> repository, Consumer<String> lines)
        implements Operation<Inspected> {
    @Override
    public Inspected run(Progress progress) throws OperationException {
        throw new UnsupportedOperationException();
    }
}
