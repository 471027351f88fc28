package dev.dray;

/// Everything a user can ask of Dray. Each record is one request with its arguments; [#run] carries it out and
/// ends in an [Outcome] or an [OperationException], which is an outcome too.
///
/// @param <R> what success looks like
public sealed interface Operation<R extends Outcome>
        permits Init, Capture, Restore, Receive, Send, Import, ListSnapshots, Show, Verify, Doctor, Inspect {
    /// Carries the operation out on the calling thread. It ends early, with the guest back as it was, once
    /// [Progress#cancelled()] says so; interrupting the thread makes it look sooner.
    R run(Progress progress) throws OperationException;
}
