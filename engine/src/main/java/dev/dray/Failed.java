package dev.dray;

import tools.jackson.databind.node.ObjectNode;

/// An operation that did not do what was asked.
///
/// @param guest where the guest is now
/// @param message one sentence, without a full stop
/// @param whatToDo one sentence, without a full stop; empty if there is nothing
public record Failed(FailureKind kind, GuestFate guest, String message, String whatToDo) implements Outcome {
    public Failed {
        whatToDo = OutcomeJson.sentence(whatToDo);
    }

    /// A defect of Dray's own.
    public static Failed bug(Throwable defect) {
        return new Failed(
                FailureKind.BUG,
                GuestFate.UNKNOWN,
                "A defect in Dray " + Dray.VERSION + ": " + defect,
                "Report it with the stack trace on stderr, as CONTRIBUTING.md says");
    }

    @Override
    public String outcome() {
        return "failed";
    }

    @Override
    public ObjectNode json() {
        return OutcomeJson.of(outcome())
                .put("kind", kind.word())
                .put("guest", guest.word())
                .put("message", message)
                .put("what_to_do", whatToDo);
    }

    @Override
    public ExitCode exitCode() {
        return kind.exitCode();
    }
}
