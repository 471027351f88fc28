package dev.dray;

import java.util.Objects;

/// Where a repository is, and how its key is come by.
///
/// @param place a directory, or a URL: `/srv/dray`, `file:///srv/dray`
/// @param key where the key comes from; asked only when the repository is encrypted
public record RepositoryAccess(String place, KeySource key) {
    public RepositoryAccess {
        Objects.requireNonNull(place);
        Objects.requireNonNull(key);
    }
}
