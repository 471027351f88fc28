package dev.dray.snapshot;

import java.util.Optional;

/// Something a [Verifier] found to be wrong.
///
/// @param object the object's name
/// @param snapshot id of a snapshot that depends on it; empty if none does or it is unknown
/// @param range the guest memory that depends on it, if any does
/// @param message what is wrong, one sentence
public record Finding(String object, Optional<String> snapshot, Optional<GuestRange> range, String message) {}
