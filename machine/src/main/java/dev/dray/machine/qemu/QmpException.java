package dev.dray.machine.qemu;

/// A command that is answered with an error, in QEMU's words.
final class QmpException extends Exception {
    private static final long serialVersionUID = 1L;

    static final String GENERIC = "GenericError";
    static final String COMMAND_NOT_FOUND = "CommandNotFound";

    private final String errorClass;

    QmpException(String description) {
        this(GENERIC, description);
    }

    QmpException(String errorClass, String description) {
        super(description);
        this.errorClass = errorClass;
    }

    String errorClass() {
        return errorClass;
    }

    String description() {
        return String.valueOf(getMessage());
    }
}
