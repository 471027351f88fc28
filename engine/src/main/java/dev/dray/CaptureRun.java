package dev.dray;

/// Carries out a [Capture].
final class CaptureRun {
    private CaptureRun() {}

    @SuppressWarnings("DoNotCallSuggester")
    static Captured run(Capture request, Progress progress) throws OperationException {
        throw new UnsupportedOperationException("Capture " + request + progress);
    }
}
