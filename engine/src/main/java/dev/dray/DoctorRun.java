package dev.dray;

/// Carries out a [Doctor].
final class DoctorRun {
    private DoctorRun() {}

    @SuppressWarnings("DoNotCallSuggester")
    static Examined run(Doctor request, Progress progress) throws OperationException {
        throw new UnsupportedOperationException("Doctor " + request + progress);
    }
}
