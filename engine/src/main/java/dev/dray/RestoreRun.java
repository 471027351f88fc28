package dev.dray;

/// Carries out a [Restore].
final class RestoreRun {
    private RestoreRun() {}

    @SuppressWarnings("DoNotCallSuggester")
    static Restored run(Restore request, Progress progress) throws OperationException {
        throw new UnsupportedOperationException("Restore " + request + progress);
    }
}
