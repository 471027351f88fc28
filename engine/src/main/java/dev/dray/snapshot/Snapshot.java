package dev.dray.snapshot;

/// One guest at one moment, as listed in a repository.
///
/// @param id 32 hex digits
/// @param manifest its root
/// @param object the manifest's object name
/// @param objectBytes that object's length
public record Snapshot(String id, Manifest manifest, String object, long objectBytes) {
    /// `name@number`.
    public String title() {
        return manifest.name() + "@" + manifest.number();
    }
}
