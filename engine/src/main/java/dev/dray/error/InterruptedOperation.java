package dev.dray.error;

/// The user asked to stop (SIGINT, SIGTERM, or cancellation from Java).
public final class InterruptedOperation extends DrayException {
    private static final long serialVersionUID = 1L;

    public InterruptedOperation(String message, String whatToDo) {
        super(message, whatToDo);
    }

    public InterruptedOperation(String message, String whatToDo, Throwable cause) {
        super(message, whatToDo, cause);
    }

    @Override
    public String kind() {
        return "interrupted";
    }
}
